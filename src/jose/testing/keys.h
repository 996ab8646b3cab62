// Keys for the tests of this folder, of no other use: one of
// each kind, and numbers and signatures that no honest program produces.
#pragma once

#include <string_view>

namespace foyer::jose::testing {

inline constexpr std::string_view kRsaPem = R"(-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQDntcnmRbGaKjI0
z5s/tJibKznvSkLq4fImpxRiaIHXr8rgixAs3Z4NedNYVCJssLXzUVIrLl1vavjF
OllrLGwuL0Wh2A3eH8MzCcVKQp/S0i12eCx9Y1DRU+7bsiCpkSlb1YbmShyO1rgT
093t3RNjAqwR8E0k7RJDAOqjOEyFTGYVgLVUjxoFHYD8blArHxWmCMMi8amALmpe
WdPdMTuZhx4IwJx0d8wBGm1kcX+IUBSLKtEkngDGeXSYk1Tka+NuHxpZGn3EGjcZ
tkhfc8cODQPPsOoWOmDzNRQUj/OGrQpLSPaPTWSA4oVm4QFizdRYP1Wexx5Ao1+V
gNmc2WsxAgMBAAECggEAFXWHEM30kFAHHU/601AQ8BH1SB2LDADH8d94alK+b7DG
q7wFT/poWFwngB8unv1QpIur/fbJzXdNOcrZHC1diXt0SfRd+Gvdopztih6Yeahg
cH/ZsvUfN3u7+9nH35xjha9FUo+bjHkDTEbLX2uhj4JgWDr2kgxorA7qLBqbL58C
FHlSBx0Ewn8qRPrT1hbE9lGxfi1fraZymqi5srxMI5oUqIaZXFDRYMJGO6NnCZr1
bSiC2yb5bpT/HM47xHWZ6JjqyPvuL4v5MAbadg39JbmM0MrLjhs0BCO6+8dUMU2V
YRBBJ/ImCUp7iK4w/x8LZ7UFBtx+fhol7Jr6mZg/fwKBgQD7kvBDXGIxGa/6Rv3E
pGnN/sO3lK7a/+XDKRRhf5xNv5oF1A4BC1lYCVNqUe1T+fwFUBkSKpZfwzn8EOLb
PEZMq9IfPDABf/v/zjcDmqM/2tNFf5vrgrM/ODyd7KfVXd+x0ef7ZmgVawqRMAmY
bt5X1mNxYY78Nd7HqVPb1FiGMwKBgQDryWKuj6KSLgJXJZZNW/TG4UIO9N1lPqDW
O2+8fsau98zRPJhgiJjuF2IqHKIhWTntx1BsDDHTGMhqOArhgyQeRNQE4aAjrARf
PNFDbEjqwKPyODnCVDqNYCEt54edkukcuP+1iU1SJVJ3t/s2Mw2kgKj5BFHzv15f
qtiQLii9CwKBgAqCnwsRZwDKI/H+2UdH3yu+Aws+aPe5TS4UH0fbfvo4kQTBUTx1
7uugqB1/Ar1JamAGcqWxpcqma1u+kNu77uvxGbw4VYEaibqsMNwzr7JRQBZdOHRk
Z3yyqsWmR3TAkUHqlRiJtLuAV1atfRkjOKLO0CTCgKjEz2PkDR7YBkLFAoGAMY1Q
JNlg1BHBQilPDhDuP0GlzVjekmF4Ea3KDLYj8S94ptxyNY9ffGIDqk/8Lr/+sZ76
osppSjDiJZiDiOMzmvziBeiY7AZBoPY6EE5YgKVdjxEL6nAjIgT61BfdY1s1jGjA
rJkfW80mKKzMqZZPHqw/Vp32zx//qGFSQ/K/cwMCgYAhNbpWbXHfqNqSEIRN+2LS
EwFL0d4AjNqce7CpcnhV9drLGtvZj48d0S79sDg3uwlHhfA9tnwggFP8OPppmh8A
ird91rTeNQ5SZ/xAhY6UN+T3YkdDxTwmC+THeJZifXFF0Y9InXHEpsOA/PEaVRy3
Q2DKHe8KUXZG3ZldR7vYvw==
-----END PRIVATE KEY-----
)";
inline constexpr std::string_view kP256Pem = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgqLdQjPYSNvJPp7bs
+QaoY7Lw8J75rw3YM5nOeECld6ShRANCAASy9WqZzTO0uwa4cPPtZ+vlXSaZVIGT
KuGYRSvFaTz79pYM00X+vg/RpAlYWg8fLIOn9IZRC3X7e2f/gkXM2p8t
-----END PRIVATE KEY-----
)";
inline constexpr std::string_view kP384Pem = R"(-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDjntjfffebYW3I7mPT
IUmUrZyGUvcqkiWh6mFqBF3Z8MuJ4cYCKr1Z8y9cuffIm6yhZANiAAQhXPBD212t
bZcffViJzA7sEc1QJC2DIt2lIbuID9fBDy1S4Lfi+lyWXcsbwCNY1f4WceeslvzO
KwSIGWm91KXnEzhegYqTGhwH8jl5WZS8idfCBwGAARwxA+xEYqwJ0q0=
-----END PRIVATE KEY-----
)";
inline constexpr std::string_view kP521Pem = R"(-----BEGIN PRIVATE KEY-----
MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIAU2KOfPHEQpx3w8qk
Qb55N0b3uyAROBHDUhdq5s4QAZEpQVzuQdsE1+Vt5BglbH9/dIJvUl6WysHaRHRN
KcR8c9qhgYkDgYYABAEi+S+IuCPJ8VuTGQQSdPIIR2M4GFRBEXR+NDH6qqFXfH94
SGRc1gETmVFj3Bj3Pgd0r3heR0UOtE/qbTxzoDqi8ABRvFXMFTMkQbOKJAlKiNjd
eYAM7wktKVWj/kZq7gF71Xz1kgO4In9D5oBT24R8KKS7Uz0TsRBJ+kEyi8DUQ30F
QA==
-----END PRIVATE KEY-----
)";

// Moduli, base64url: of 1024 bits; with the structure of CVE-2017-15361; a prime; three times a prime; the square of a
// prime.
inline constexpr std::string_view kShortModulus =
    "6v4W_QT9yh_NffzNytjJLABk_-dRAWmnukkqIgOnKJLKW8J1Z_LXUoh418O52NKmKrB2_QTAu-QsRmaWt_"
    "1Sis91fzZdaIlcUfn5SMBvaZMOhMHMpvndbHox-AaNw2m8tpmcAVMd9B2yYz-Ms93ycx"
    "i4bwSpK-Q_ZMSHY8iyOrE";
inline constexpr std::string_view kRocaModulus =
    "u64CuxtV360UUKywJmL0qYCKzrEx6pxwzpPNLkOAg6exT2VLxLP5CM7HRf9v2G3yus8Jn3rWEbU14dxXMr1ecSfwpzM94Xg52JGJ5EkkWBLwlvJov7"
    "i6BGSP5jlYViLDIslIaFdwlR7G_7cfFwUV5n"
    "jtF2lpXGJLw13p7ReUkE9-ASQtV1JaMxOMr2_W4xp41wDt4BHB9_u76Bgxvj-xd9d09DkcbupW0yrRsF_"
    "piexs2ld91AIgNs2oAUuBTLBZbYLVCSDtsV5Y7ZROhM2yqrpKG4uB9mXW4ImXPwUFwrV-"
    "6eKLhfRR-VRuBgCD2NOGm7E1lCy7GrDNC5-WptNMZQ";
inline constexpr std::string_view kPrimeModulus =
    "xl-2eFaRjZC-ygRGWrcudUxZu4zduAbHpQxhTmDSwCqUOL87Uf9_w7Zi3FJp7YS1QzjrK4C1DGezQNCtS4ajGUNdXmjHf_"
    "Fe6OnEEKcPnlRd3FdKV7QNIgPqWlkY49UKp7hrezDre4K1sUCfSXO7S9"
    "KcrcLGR69LkN8A3caGcQz8Ml5cp4ZLWVxko2WBuHfxj-DF2HPSWJAhfb5tgAHYYyYkq1_"
    "PrM33fB9EGulzJ84hI3qxoIfRSnvIwfW3NN5LfEkOGxbvunUe17b9bz9QFvHNmy4Fnp7g_w2icjoOCppR"
    "aD_5atzEbV2p5l1B82R1lPl1S-Rzs1huG7_Oh0BT9Q";
inline constexpr std::string_view kSmallFactorModulus =
    "t4nK9LmgA1gFoWkODw1R4sWqEDCM4KTKNLnaO-ei2l69hmXrib4rcgeZsC1lBVu2WS2ZcTZV9rr_"
    "74nJdosp5qV4dpfHKb8BDXRe3kJnE7qI1JXW6FFHiwJ835BSkQWosfiO9i5e5kajuiw5F45eYe"
    "zOPx6f4d_UWdoN9mUh9Pdcn3o4Zkdu47pT8K2SWB5y09pvUor9I0oiqtyJW-a_hk4rQZuE0Q3839xXQTgYsVJZ_"
    "dMSDyTz0dMo3FVSKYwVsIld7RMvM8_Oav9pIekduvahO-p-OvPm9mfoowmvsgwG"
    "BwQ9M5A9eqPY07ty5daTptKlns4P5h9A3TOpbuvfrw";
inline constexpr std::string_view kSquareModulus =
    "kGk0QPGmphEJsVIwHkSm3kG14bygQcmu1NdT_F5La2HG3ZiMmYzcvqqqz2_60fCNaPRyxkAvnf6RRIBzKFhrVdxTIQ3GTWFH-Hvk6M2_"
    "C2F2ZIDvHmOup0TK7TO7hEudvkWqxDAyaLQ92iumOdq46n"
    "Ub6eojVmKxGo_AgL2ldFewb-J9J1IafU1TaUpXuShud7nn22YYiHG1xOr9oedT7bhp-iwCDgQlxEfLuXHwhW8IOZdNpKdyX-"
    "pBzUIP16kNcSyeqUQPIRtqt3k_JSQvahgJ3Qhdq23R9ipHJ5SmxAVG"
    "nmMqQBKmyt-rnP8atAdEreV56DjnHKAvUzVWHgsnyQ";

// Signatures of "input" by kRsaPem, as PS256 but: without salt, with a salt of 64 bytes, with MGF1 over SHA-1.
inline constexpr std::string_view kPssWithoutSalt =
    "mzfeQ0wN9gxHDGne3L3vByEKWo1XXP855rbDTTiI628vkloOZMz9w_xQvVF9XNqwVgf5Z_"
    "rWw7TVhYFqwox5xxK0ofXLVT93lIzJwIm5f2QDQfMVeig0XMeNB5gpMAMK26t651oaUrP2ydxJgT6NOM"
    "Krds-JA5UwlBgHpSQ0mVUGtkN5Hs-sUuqNem9IfXxdZAONkWSXQPX5z9YDkbq3YQkUzWXGBDqTH2eDtWgZgQN4hcpQbV35d_"
    "VjI261N4p883XINQp7E5FS3eN5SNvagNvJ3G5CK2kbcS3tYcJfZ-Kv"
    "-AYif_gPkQIKwghnW0FaFz-NAhaKs09bl4sDneSYog";
inline constexpr std::string_view kPssLongSalt =
    "wjgfQCJIplwTJxeQPWydmJZrs14jzVgEIOcRuhF_jDk4wEGoVvPGGusbOH1nwNpaAaW_YsZmKpLY4mJe6P3-"
    "ktGlfjvazYaKN69IRSyZ2n5XQVhjNojsux2Mlbr7YErvG2VnPQrr22nyPhACy6g_Oo"
    "s67HjvU_"
    "TopME2aU756NuhGCxZV3gC4OZCV0tH8Rz3sYhSGohNubED5NTu9Dya3aL4U35tZXpHv8FX87UyoMtYrgRkNiaAk97ZCbYUmGc6vDaBT3hiHPglUii6"
    "_vXrwkEHLCjCKNyh_JHiCKmjL9A2"
    "ej321jeRkNF3CW1vBD-FRDr-eN1Wvyps0DVhO6wfiA";
inline constexpr std::string_view kPssOtherMask =
    "2sSybPLBMfFpJ7Xe9y0A3xidN6bvBVySO6WyFEr-WA9SU7PZ_dPN2Rz9R1Z0GnuT9_YK-88nXgFLugxPfd2k-wgDKXvkusDeyjjytOLhhU_"
    "cT3lRISn0i9c5ZXeAztzG1-gJ1nMc7Z-WX8u1v8qMcK"
    "sPzbbmqHnSK2-a1Ai1caI1c-cZ0CRn4UYlEml0LPNIFNr9_cw7BxRI_WalNjBCcnAPTARG1fTdTI_"
    "9L3Z6Cu5oTEhl2QiKuKIZYEnXQ3Ijca4n6FEtpg-U9CshTPpYHPkZRuIBa0RsmZTIbPdPAhd_"
    "9geNFOQCVEePZNgJA9TlwBUQ2IYZa3A4NTJ4yRsP4w";

} // namespace foyer::jose::testing
