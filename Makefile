# Ringmail. `make help` lists what can be made.
PROFILE := $(if $(SANITIZE),$(SANITIZE),release)
B := build/$(PROFILE)
CC := $(if $(shell command -v ccache),ccache )$(if $(filter command line environment,$(origin CC)),$(CC),gcc)
WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wvla -Wstrict-prototypes -Wmissing-prototypes -Werror
CFLAGS := -std=gnu2x -O2 -g -fno-omit-frame-pointer -fno-plt -D_GNU_SOURCE -Isrc -Itests/unit $(WARN) -MMD -MP
LDLIBS := -luring -lsqlite3 -lmariadb -lucl -largon2 -lcrypt -lcares -lidn2 -lunistring -lm -pthread
ifneq ($(SANITIZE),)
CFLAGS += -fsanitize=$(SANITIZE) -O1
LDFLAGS += -fsanitize=$(SANITIZE)
else
LDLIBS += -ljemalloc
endif
-include third_party/wolfssl.mk

PROGRAMS := src/server/main.c $(wildcard src/control/*.c)
LIB_SRC := $(filter-out $(PROGRAMS),$(shell find src -name '*.c' -not -path 'src/webmail/*'))
LIB_ASM := $(shell find src -name '*.S')
LIB_OBJ := $(LIB_SRC:%.c=$B/%.o) $(LIB_ASM:%.S=$B/%.o)
UNIT_SRC := $(shell find tests/unit -name 'test_*.c' 2>/dev/null)
UNIT := $(UNIT_SRC:%.c=$B/%)

lib: $B/libringmail.a
all: $B/ringmaild $B/ringmail
$B/ringmaild: $B/src/server/main.o $B/libringmail.a
$B/ringmail: $(patsubst %.c,$B/%.o,$(wildcard src/control/*.c)) $B/libringmail.a
$B/ringmaild $B/ringmail:
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$B/libringmail.a: $(LIB_OBJ)
	@rm -f $@; ar rcs $@ $^
$B/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(CFLAGS) -c -o $@ $<
$B/%.o: %.S
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(CFLAGS) -c -o $@ $<
$(UNIT): $B/%: $B/%.o $B/libringmail.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka
unit: $(UNIT)
	@set -e; for t in $(UNIT); do echo "== $$t"; $$t; done
# One unit test: make one TEST=tests/unit/base/test_map.c
one: $(TEST:%.c=$B/%)
	$<
clean:
	rm -rf build
.PHONY: all lib unit one clean
-include $(shell find $B -name '*.d' 2>/dev/null)
