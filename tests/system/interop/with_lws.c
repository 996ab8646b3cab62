/* libwebsockets. Arguments: HOST PORT PATH SUBPROTOCOLS-OR-EMPTY AUTHORIZATION-OR-EMPTY deflate|plain CA-FILE-OR-EMPTY
 * The plan of standard.mjs, a step per line on standard input, the size of fragments and data as hex:
 *   text SIZE HEX   binary SIZE HEX   receive   until TEXT   ping   close CODE REASON   closed
 * The events, a JSON array per line on standard output. */
#include <libwebsockets.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kChunk = 16384 };

static struct {
  char* line;              /* the step at hand */
  size_t room;
  unsigned char* out;      /* what is being sent, LWS_PRE bytes in front */
  size_t size, at, fragment;
  int binary;
  unsigned char* in;       /* what is being received */
  size_t got, in_room;
  const char* authorization;
  int told, over;          /* that and how it closed */
} me;

static int is(const char* step) { return strncmp(me.line, step, strlen(step)) == 0; }

static int nibble(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

static int next_step(struct lws* wsi) {
  if (getline(&me.line, &me.room, stdin) < 0) me.line[0] = '\0';
  me.line[strcspn(me.line, "\n")] = '\0';
  if (is("text") || is("binary")) {
    char* hex;
    me.binary = is("binary");
    me.fragment = strtoul(strchr(me.line, ' '), &hex, 10);
    me.size = strlen(++hex) / 2;
    me.at = 0;
    me.out = realloc(me.out, LWS_PRE + me.size);
    for (size_t i = 0; i < me.size; ++i) me.out[LWS_PRE + i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
  }
  return lws_callback_on_writable(wsi);
}

static int send_some(struct lws* wsi) {
  unsigned char piece[LWS_PRE + kChunk];
  const size_t most = me.fragment && me.fragment < kChunk ? me.fragment : kChunk;
  const size_t n = me.size - me.at < most ? me.size - me.at : most;
  const int first = me.at == 0, last = me.at + n == me.size;
  int how = first ? (me.binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT) : LWS_WRITE_CONTINUATION;
  if (!last) how |= LWS_WRITE_NO_FIN;
  memcpy(piece + LWS_PRE, me.out + LWS_PRE + me.at, n);
  if (lws_write(wsi, piece + LWS_PRE, n, (enum lws_write_protocol)how) < (int)n) return -1;
  me.at += n;
  return last ? next_step(wsi) : lws_callback_on_writable(wsi);
}

static void heard(struct lws* wsi) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  if (is("until")) {
    const char* wanted = me.line + strlen("until ");
    me.in[me.got] = '\0';
    if (strstr((char*)me.in, wanted)) {
      printf("[\"said\", %s]\n", me.in); /* JSON by itself */
      next_step(wsi);
    }
  } else {
    SHA256(me.in, me.got, digest);
    printf("[\"%s\", %zu, \"", lws_frame_is_binary(wsi) ? "binary" : "text", me.got);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; ++i) printf("%02x", digest[i]);
    printf("\"]\n");
    next_step(wsi);
  }
  me.got = 0;
}

static int on_event(struct lws* wsi, enum lws_callback_reasons reason, void* user, void* in, size_t len) {
  char protocol[256] = "", extensions[256] = "";
  (void)user;
  switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: {
      unsigned char** at = in;
      if (me.authorization[0] && lws_add_http_header_by_name(wsi, (const unsigned char*)"Authorization:", (const unsigned char*)me.authorization,
                                                             (int)strlen(me.authorization), at, *at + len)) return -1;
      break;
    }
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
      lws_hdr_copy(wsi, protocol, sizeof protocol, WSI_TOKEN_PROTOCOL);
      lws_hdr_copy(wsi, extensions, sizeof extensions, WSI_TOKEN_EXTENSIONS);
      printf("[\"open\", \"%s\", \"%s\"]\n", protocol, extensions);
      break;
    case LWS_CALLBACK_CLIENT_ESTABLISHED: return next_step(wsi) < 0 ? -1 : 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      if ((is("text") || is("binary")) && (me.at < me.size || me.size == 0)) return send_some(wsi) < 0 ? -1 : 0;
      if (is("ping")) {
        unsigned char ping[LWS_PRE + 13];
        memcpy(ping + LWS_PRE, "are you there", 13);
        if (lws_write(wsi, ping + LWS_PRE, 13, LWS_WRITE_PING) < 0) return -1;
        me.line[0] = 'p', me.line[1] = 'o'; /* now a pong is due */
      }
      if (is("close ")) {
        char* why;
        const int code = (int)strtoul(me.line + 6, &why, 10);
        if (*why) ++why;
        lws_close_reason(wsi, (enum lws_close_status)code, (unsigned char*)why, strlen(why));
        return -1;
      }
      break;
    case LWS_CALLBACK_CLIENT_RECEIVE:
      if (me.got + len + 1 > me.in_room) me.in = realloc(me.in, me.in_room = 2 * (me.got + len + 1));
      memcpy(me.in + me.got, in, len);
      me.got += len;
      if (lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi)) heard(wsi);
      break;
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
      if (is("po") && len == 13 && !memcmp(in, "are you there", 13)) {
        printf("[\"pong\"]\n");
        next_step(wsi);
      }
      break;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: {
      const unsigned char* b = in;
      const size_t word = len > 2 ? strcspn(strndup((const char*)b + 2, len - 2), " ") : 0;
      printf("[\"closed\", %d, \"%.*s\"]\n", len >= 2 ? b[0] << 8 | b[1] : 1005, (int)word, len > 2 ? (const char*)b + 2 : "");
      me.told = 1;
      break;
    }
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      printf("[\"refused\", %d]\n", (int)lws_http_client_http_response(wsi));
      me.over = 1;
      break;
    case LWS_CALLBACK_CLIENT_CLOSED:
      if (!me.told) printf("[\"closed\", null, \"\"]\n"); /* the answer to a Close of ours is not handed on */
      me.over = 1;
      break;
    default: break;
  }
  return 0;
}

static const struct lws_protocols protocols[] = {{.name = "play", .callback = on_event}, {0}};
static const struct lws_extension extensions[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate; client_no_context_takeover; client_max_window_bits"}, {0}};

int main(int argc, char** argv) {
  if (argc != 8) return 2;
  lws_set_log_level(LLL_ERR, NULL);
  const struct lws_context_creation_info info = {
      .port = CONTEXT_PORT_NO_LISTEN, .protocols = protocols, .gid = (gid_t)-1, .uid = (uid_t)-1, .pt_serv_buf_size = 65536,
      .extensions = strcmp(argv[6], "deflate") == 0 ? extensions : NULL, .options = argv[7][0] ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
      .client_ssl_ca_filepath = argv[7][0] ? argv[7] : NULL};
  struct lws_context* context = lws_create_context(&info);
  me.authorization = argv[5];
  me.line = calloc(1, me.room = 64);
  const struct lws_client_connect_info to = {
      .context = context, .address = argv[1], .port = atoi(argv[2]), .path = argv[3], .host = argv[1], .protocol = argv[4][0] ? argv[4] : NULL,
      .local_protocol_name = "play", .ssl_connection = argv[7][0] ? LCCSCF_USE_SSL : 0};
  if (!context || !lws_client_connect_via_info(&to)) return 1;
  while (!me.over && lws_service(context, 0) >= 0) {}
  lws_context_destroy(context);
  return 0;
}
