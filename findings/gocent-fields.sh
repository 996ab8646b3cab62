#!/usr/bin/env bash
# gocent v3.3.0, a server library for Centrifugo's HTTP API: fields that the API does not have.
#
# WithDisconnectClientWhitelist writes `ClientWhitelist`, the name of the Go field; the API has `whitelist`. A server that
# ignores unknown fields closes the very connections that were to be kept, and reports success. One that refuses unknown
# fields refuses every Disconnect, since `ClientWhitelist` is sent also without the option. ChannelInfo reads
# `num_users`, where the API's answer has `num_clients`: the number of each channel is 0, however many are there.
#
# Seen on 2026-11-30:
#   Disconnect with a whitelist sends {"user":"42","Disconnect":null,"ClientWhitelist":["c1"]}
#   Disconnect without options sends {"user":"42","Disconnect":null,"ClientWhitelist":null}
#   Channels of {"news":{"num_clients":3}} reads map[news:{NumUsers:0}]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/centrifugal/gocent/v3"
)

func main() {
	var sent struct{ Params json.RawMessage }
	answer := `{"result":{}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			panic(err)
		}
		fmt.Fprint(w, answer)
	}))
	defer server.Close()
	client := gocent.New(gocent.Config{Addr: server.URL, Key: "key"})
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}

	check(client.Disconnect(context.Background(), "42", gocent.WithDisconnectClientWhitelist([]string{"c1"})))
	fmt.Printf("Disconnect with a whitelist sends %s\n", sent.Params)
	check(client.Disconnect(context.Background(), "42"))
	fmt.Printf("Disconnect without options sends %s\n", sent.Params)
	answer = `{"result":{"channels":{"news":{"num_clients":3}}}}`
	result, err := client.Channels(context.Background())
	check(err)
	fmt.Printf("Channels of {\"news\":{\"num_clients\":3}} reads %+v\n", result.Channels)
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/centrifugal/gocent/v3@v3.3.0 >/dev/null 2>&1
go run . | tee seen
diff - seen <<'TEXT'
Disconnect with a whitelist sends {"user":"42","Disconnect":null,"ClientWhitelist":["c1"]}
Disconnect without options sends {"user":"42","Disconnect":null,"ClientWhitelist":null}
Channels of {"news":{"num_clients":3}} reads map[news:{NumUsers:0}]
TEXT
