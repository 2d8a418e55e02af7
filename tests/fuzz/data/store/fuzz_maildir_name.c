/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as the name of a file in a Maildir, and as the name of a mailbox: what is canonical is
 * written back the same, a mailbox's directory is one path component and leads back to its name.
 */
#include "data/store/mailbox_name.h"
#include "data/store/maildir_name.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice text = slice_of(data, size);
    struct maildir_name name, again;
    char path[MAILDIR_PATH_SIZE_MAX], directory[MAILBOX_DIRECTORY_SIZE_MAX + 1];
    if (maildir_name_parse(text, &name)) {
        bool in_cur = name.base.size != text.size;
        maildir_path_write(name.base, in_cur, name.flags, path);
        slice written = slice_from_string(path + 4);
        if (name.canonical && !slice_equal(written, text))
            abort();
        if (memchr(path + 4, '/', strlen(path + 4)))
            abort();
        if (written.size <= MAILDIR_FILE_NAME_SIZE_MAX &&
            (!maildir_name_parse(written, &again) || again.flags != (in_cur ? name.flags : 0) ||
             !slice_equal(again.base, name.base)))
            abort();
    }
    struct buffer back;
    buffer_init(&back, 1024);
    if (!failed(mailbox_name_check(text)) && !mailbox_name_is_inbox(text) &&
        !failed(mailbox_name_to_directory(text, directory))) {
        if (strchr(directory, '/') || strcmp(directory, "..") == 0 || directory[0] != '.' ||
            failed(mailbox_name_from_directory(slice_from_string(directory), &back)) ||
            !slice_equal(buffer_slice(&back), text))
            abort();
    }
    buffer_reset(&back);
    if (!failed(mailbox_name_from_directory(text, &back)) &&
        failed(mailbox_name_check(buffer_slice(&back))))
        abort();
    buffer_close(&back);
    return 0;
}
