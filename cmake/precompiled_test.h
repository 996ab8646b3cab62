// The same for unit tests.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
