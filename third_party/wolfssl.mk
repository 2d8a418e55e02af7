# SPDX-License-Identifier: GPL-3.0-or-later
# wolfSSL for the Makefile: TLS=source (the default) builds it once per machine with its assembly,
# TLS=system takes libwolfssl-dev. Only src/crypto and src/net include its headers, always
# <wolfssl/options.h> first.
TLS ?= source
ifeq ($(TLS),system)
LDLIBS += -lwolfssl
TLS_PACKAGES := system-tls
else ifeq ($(TLS),source)
WOLFSSL := $(shell third_party/wolfssl-build --prefix)
WOLFSSL_LIB := $(WOLFSSL)/lib/libwolfssl.a
CFLAGS += -isystem $(WOLFSSL)/include
LDLIBS += $(WOLFSSL_LIB)
$(WOLFSSL_LIB):
	third_party/wolfssl-build
else
$(error TLS=$(TLS): source or system)
endif
