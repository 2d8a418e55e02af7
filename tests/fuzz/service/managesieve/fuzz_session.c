/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole ManageSieve session over any bytes. The first byte chooses settings and where it begins
 * (a stranger, logged in, with an active script); the rest is what a client sends. Whatever comes:
 * the session ends, all it said is lines with literals in step, at most one script is active, and
 * nobody is told of scripts before login.
 */
#include "base/assert.h"
#include "base/log.h"
#include "format/imap/frame.h"
#include "service/managesieve/fakes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_said(slice said)
{
    while (said.size) {
        struct imap_literal literal;
        ptrdiff_t end = slice_find(said, SLICE("\r\n"));
        ASSERT(end >= 0);
        slice line = slice_sub(said, 0, (size_t)end);
        said = slice_from(said, (size_t)end + 2);
        if (imap_literal_announced(line, &literal) && literal.sync) {
            ASSERT(literal.size <= said.size);
            said = slice_from(said, literal.size);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char login_first[] = "AUTHENTICATE \"PLAIN\" \"AHUAc2VjcmV0\"\r\n";
    static const char *const BEGINNINGS[4] = {
        "", login_first, "PUTSCRIPT \"a\" \"keep;\"\r\nSETACTIVE \"a\"\r\n",
        "PUTSCRIPT \"a\" {5+}\r\nkeep;\r\nPUTSCRIPT \"b\" \"\"\r\n"};
    struct managesieve_settings settings;
    struct login_settings login;
    struct sieve_settings scripts;
    struct arena arena;
    struct buffer input;
    struct stream stream;
    unsigned active = 0;
    if (size == 0)
        return 0;
    log_configure(2, LOG_ERROR + 1, LOG_LOGFMT);
    arena_init(&arena, 1 << 20);
    buffer_init(&input, size + 400);
    ASSERT(!failed(settings_default(&managesieve_setting_table, &arena, &settings)));
    ASSERT(!failed(settings_default(&login_setting_table, &arena, &login)));
    ASSERT(!failed(settings_default(&sieve_setting_table, &arena, &scripts)));
    settings.plaintext_login = !(data[0] & 4);
    scripts.script_size_max = 1024;
    sieve_set_settings(&scripts);
    memset(&world, 0, sizeof world);
    if ((data[0] & 3) > 1)
        buffer_add_string(&input, login_first);
    buffer_add_string(&input, BEGINNINGS[data[0] & 3]);
    buffer_add(&input, slice_of(data + 1, size - 1));
    fake_session(&(struct fake_options){&settings, &login, data[0] & 8, data[0] & 16 ? 1 : 0},
                 buffer_slice(&input), &stream);
    slice said = buffer_slice(&stream.output);
    check_said(said);
    if (!settings.plaintext_login && !stream.tls)
        ASSERT(fake_script_count == 0);
    for (unsigned i = 0; i < fake_script_count; i++) {
        active += fake_scripts[i].active;
        ASSERT(!slice_starts(slice_of(fake_scripts[i].text, fake_scripts[i].size), SLICE("bad")));
    }
    ASSERT(active <= 1);
    fake_scripts_forget();
    fake_session_close(&stream);
    buffer_close(&input);
    arena_close(&arena);
    return 0;
}
