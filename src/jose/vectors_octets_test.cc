// Ed25519 as RFC 8032 §7.1 prints it, and HMAC as RFC 4231 does: from octets to octets.
#include <gtest/gtest.h>

#include <ostream>

#include "jose/testing/token_world.h"

namespace foyer::jose {
namespace {

std::string octets(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) out += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return out;
}

struct Ed25519Vector {
  std::string_view name;
  std::string_view secret;
  std::string_view published;
  std::string_view message;
  std::string_view signature;
  friend void PrintTo(const Ed25519Vector& vector, std::ostream* out) { *out << vector.name; }
};

constexpr Ed25519Vector kEd25519[] = {
    {"Test1", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe"
        "24655141438e7a100b"},
    {"Test2", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302a"
        "eeb00d291612bb0c00"},
    {"Test3", "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed2"
        "8dc027beceea1ec40a"},
    {"Test1024", "f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5",
        "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
        "08b8b2b733424243760fe426a4b54908632110a66c2f6591eabd3345e3e4eb98fa6e264bf09efe12ee50f8f54e9f77b1e355f6c50544e2"
        "3fb1433ddf73be84d879de7c0046dc4996d9e773"
        "f4bc9efe5738829adb26c81b37c93a1b270b20329d658675fc6ea534e0810a4432826bf58c941efb65d57a338bbd2e26640f89ffbc1a85"
        "8efcb8550ee3a5e1998bd177e93a7363c344fe6b"
        "199ee5d02e82d522c4feba15452f80288a821a579116ec6dad2b3b310da903401aa62100ab5d1a36553e06203b33890cc9b832f79ef805"
        "60ccb9a39ce767967ed628c6ad573cb116dbefef"
        "d75499da96bd68a8a97b928a8bbc103b6621fcde2beca1231d206be6cd9ec7aff6f6c94fcd7204ed3455c68c83f4a41da4af2b74ef5c53"
        "f1d8ac70bdcb7ed185ce81bd84359d44254d9562"
        "9e9855a94a7c1958d1f8ada5d0532ed8a5aa3fb2d17ba70eb6248e594e1a2297acbbb39d502f1a8c6eb6f1ce22b3de1a1f40cc24554119"
        "a831a9aad6079cad88425de6bde1a9187ebb6092"
        "cf67bf2b13fd65f27088d78b7e883c8759d2c4f5c65adb7553878ad575f9fad878e80a0c9ba63bcbcc2732e69485bbc9c90bfbd62481d9"
        "089beccf80cfe2df16a2cf65bd92dd597b0707e0"
        "917af48bbb75fed413d238f5555a7a569d80c3414a8d0859dc65a46128bab27af87a71314f318c782b23ebfe808b82b0ce26401d2e22f0"
        "4d83d1255dc51addd3b75a2b1ae0784504df543a"
        "f8969be3ea7082ff7fc9888c144da2af58429ec96031dbcad3dad9af0dcbaaaf268cb8fcffead94f3c7ca495e056a9b47acdb751fb73e6"
        "66c6c655ade8297297d07ad1ba5e43f1bca32301"
        "651339e22904cc8c42f58c30c04aafdb038dda0847dd988dcda6f3bfd15c4b4c4525004aa06eeff8ca61783aacec57fb3d1f92b0fe2fd1"
        "a85f6724517b65e614ad6808d6f6ee34dff7310f"
        "dc82aebfd904b01e1dc54b2927094b2db68d6f903b68401adebf5a7e08d78ff4ef5d63653a65040cf9bfd4aca7984a74d37145986780fc"
        "0b16ac451649de6188a7dbdf191f64b5fc5e2ab4"
        "7b57f7f7276cd419c17a3ca8e1b939ae49e488acba6b965610b5480109c8b17b80e1b7b750dfc7598d5d5011fd2dcc5600a32ef5b52a1e"
        "cc820e308aa342721aac0943bf6686b64b257937"
        "6504ccc493d97e6aed3fb0f9cd71a43dd497f01f17c0e2cb3797aa2a2f256656168e6c496afc5fb93246f6b1116398a346f1a641f3b041"
        "e989f7914f90cc2c7fff357876e506b50d334ba7"
        "7c225bc307ba537152f3f1610e4eafe595f6d9d90d11faa933a15ef1369546868a7f3a45a96768d40fd9d03412c091c6315cf4fde7cb68"
        "606937380db2eaaa707b4c4185c32eddcdd30670"
        "5e4dc1ffc872eeee475a64dfac86aba41c0618983f8741c5ef68d3a101e8a3b8cac60c905c15fc910840b94c00a0b9d0",
        "0aab4c900501b3e24d7cdf4663326a3a87df5e4843b2cbdb67cbf6e460fec350aa5371b1508f9f4528ecea23c436d94b5e8fcd4f681e30"
        "a6ac00a9704a188a03"},
    {"TestShaAbc", "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce8"
        "0e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac1"
        "7ad9bef1177331a704"},
};

class Rfc8032 : public ::testing::TestWithParam<Ed25519Vector> {};

TEST_P(Rfc8032, Section7_1_SignsAndVerifiesAsPrinted) {
  const auto& v = GetParam();
  const auto x = base64url_encode(octets(v.published));
  const auto key =
      Key::from_jwk({{"kty", "OKP"}, {"crv", "Ed25519"}, {"d", base64url_encode(octets(v.secret))}, {"x", x}});
  const auto published = Key::from_jwk({{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", x}});
  ASSERT_TRUE(key && published);
  const auto message = octets(v.message);
  const auto signature = octets(v.signature);
  EXPECT_EQ(hex_encode(key->sign(message)), v.signature);
  EXPECT_TRUE(published->verify(message, signature));
  EXPECT_FALSE(published->verify(message + "x", signature));
  EXPECT_FALSE(published->verify(message, signature.substr(0, 63)));
  EXPECT_FALSE(published->verify(message, signature + '\0'));
  EXPECT_FALSE(published->verify(message, {}));
}

INSTANTIATE_TEST_SUITE_P(
    Printed, Rfc8032, ::testing::ValuesIn(kEd25519), [](const auto& v) { return std::string{v.param.name}; });

// RFC 4231

struct HmacVector {
  std::string_view name;
  std::string key;
  std::string message;
  std::string_view sha256, sha384, sha512; // empty where nothing of ours computes it
  friend void PrintTo(const HmacVector& vector, std::ostream* out) { *out << vector.name; }
};

const HmacVector kHmac[] = {
    {"Case1", std::string(20, '\x0b'), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        "", ""},
    {"Case2", "Jefe", "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "", ""},
    {"Case3", std::string(20, '\xaa'), std::string(50, '\xdd'),
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe", "", ""},
    {"Case4", octets("0102030405060708090a0b0c0d0e0f10111213141516171819"), std::string(50, '\xcd'),
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b", "", ""},
    {"Case6", std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0a"
        "ec8b915a985d786598"},
    {"Case7", std::string(131, '\xaa'),
        "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
        "hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e",
        "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de044"
        "6065c97440fa8c6a58"},
};

class Rfc4231 : public ::testing::TestWithParam<HmacVector> {};

TEST_P(Rfc4231, Section4_GivesThePrintedCode) {
  const auto& v = GetParam();
  EXPECT_EQ(hex_encode(hmac_sha256(v.key, v.message)), v.sha256);
  const std::pair<const char*, std::string_view> printed[] = {
      {"HS256", v.sha256}, {"HS384", v.sha384}, {"HS512", v.sha512}};
  for (const auto& [alg, code] : printed) {
    const auto key = Key::from_jwk({{"kty", "oct"}, {"alg", alg}, {"k", base64url_encode(v.key)}});
    if (v.key.size() < 32) { // as a key of tokens it is too short for any
      EXPECT_EQ(key.error().cause, Cause::WEAK_SECRET) << alg;
      continue;
    }
    ASSERT_TRUE(key) << alg << " " << key.error().evidence;
    EXPECT_EQ(hex_encode(key->sign(v.message)), code) << alg;
    EXPECT_TRUE(key->verify(v.message, octets(code))) << alg;
    EXPECT_FALSE(key->verify(v.message, octets(code.substr(0, 32)))) << alg << ", truncated to 128 bits as in case 5";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Printed, Rfc4231, ::testing::ValuesIn(kHmac), [](const auto& v) { return std::string{v.param.name}; });

} // namespace
} // namespace foyer::jose
