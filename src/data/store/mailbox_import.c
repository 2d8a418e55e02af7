/* SPDX-License-Identifier: GPL-3.0-or-later
 * The first index of a Maildir that is there already: UIDs, UIDVALIDITY and keywords from Dovecot's
 * files where it has them, new ones otherwise. Runs on a worker thread. */
#include "base/log.h"
#include "base/random.h"
#include "data/store/dovecot.h"
#include "data/store/pop3_uidl.h"
#include "data/store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct import {
    struct index *index;
    int directory;
    struct scan scan;
    struct map by_base; /* base -> scan_file */
    char *uidlist;
    struct buffer uidls; /* lines of pop3_uidl.h */
};

char *mailbox_read_file(int directory, const char *name, size_t size_max, slice *out_content)
{
    *out_content = SLICE_EMPTY;
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status;
    if (fd < 0)
        return NULL;
    char *data = NULL;
    size_t done = 0;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (size_t)status.st_size <= size_max)
        data = malloc((size_t)status.st_size + 1);
    while (data && done < (size_t)status.st_size) {
        ssize_t got = read(fd, data + done, (size_t)status.st_size - done);
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    close(fd);
    if (data)
        *out_content = slice_of(data, done);
    return data;
}

static error import_keywords(struct import *import)
{
    slice content, name;
    unsigned letter;
    error problem = OK;
    char *data = mailbox_read_file(import->directory, "dovecot-keywords", 1 << 20, &content);
    struct cursor c = cursor_over(content);
    while (!failed(problem) && dovecot_keywords_next(&c, &letter, &name))
        problem = index_set_keyword(import->index, letter, name);
    free(data);
    return problem;
}

/* Letters that nobody named are no keywords. */
static uint64_t known_keywords(const struct index *index, uint32_t name_flags)
{
    uint64_t keywords = name_flags >> MAILDIR_KEYWORD_SHIFT;
    for (unsigned bit = 0; bit < MAILDIR_KEYWORDS_MAX; bit++)
        if (!index->keywords || !index->keywords[bit])
            keywords &= ~(1ull << bit);
    return keywords;
}

static error import_file(struct import *import, uint32_t uid, const struct scan_file *file,
                         const struct dovecot_uid *extra)
{
    struct maildir_name name;
    if (!maildir_name_parse(file->name, &name))
        return OK;
    slice base = name.base;
    bool in_cur = maildir_put_in_order(import->directory, file, &name);
    if (maildir_is_torn(&name, file->size)) {
        char path[MAILDIR_PATH_SIZE_MAX];
        maildir_path_write(base, in_cur, name.flags, path);
        mailbox_remove_torn(import->directory, path);
        return OK;
    }
    struct mail mail = {
        .uid = uid,
        .flags = name.flags & MAIL_FLAGS,
        .internal = in_cur ? MAIL_IN_CUR : 0,
        .modseq = 1,
        .keywords = known_keywords(import->index, name.flags),
        .size = file->size,
        .virtual_size = name.virtual_size ? name.virtual_size
                        : extra           ? extra->virtual_size
                                          : 0,
        .internal_date = file->changed,
        .save_date = file->changed,
        .object_id = slice_hash_stable(base) | 1,
        .name_flags = name.flags,
    };
    return index_add(import->index, &mail, base, SLICE_EMPTY);
}

/* Those that Dovecot has numbered, in the order of its numbers. */
static error import_numbered(struct import *import)
{
    slice content;
    import->uidlist =
        mailbox_read_file(import->directory, "dovecot-uidlist", DOVECOT_FILE_SIZE_MAX, &content);
    struct dovecot_uidlist list;
    if (import->uidlist == NULL || failed(dovecot_uidlist_begin(&list, content)))
        return OK;
    struct index_header *header = &import->index->header;
    header->uid_validity = list.uid_validity;
    header->recent_from = 1;
    struct dovecot_uid entry;
    while (dovecot_uidlist_next(&list, &entry)) {
        if (entry.uid < header->uid_next)
            continue;
        const struct scan_file *file = map_remove(&import->by_base, entry.base);
        if (file) {
            TRY(import_file(import, entry.uid, file, &entry));
            mailbox_uidls_add(entry.uid, entry.pop3_uidl, &import->uidls);
        }
    }
    TRY(mailbox_uidls_write(import->directory, &import->uidls));
    if (list.uid_next > header->uid_next)
        header->uid_next = list.uid_next;
    if (list.last_uid >= header->uid_next)
        header->uid_next = list.last_uid + 1;
    return OK;
}

static error import_rest(struct import *import)
{
    for (size_t i = 0; i < import->scan.count; i++) {
        struct maildir_name name;
        const struct scan_file *file = &import->scan.files[i];
        if (maildir_name_parse(file->name, &name) && map_get(&import->by_base, name.base) == file)
            TRY(import_file(import, import->index->header.uid_next, file, NULL));
    }
    return OK;
}

/* \Recent is a range here: from the first mail of the last run that lies in new/. */
static void find_recent(struct index *index)
{
    uint32_t from = index->header.uid_next;
    for (uint32_t i = index->tail_count; i-- > 0 && !(index->tail[i].internal & MAIL_IN_CUR);)
        from = index->tail[i].uid;
    index->header.recent_from = from;
}

static error run(struct import *import)
{
    TRY(scan_run(&import->scan));
    for (size_t i = 0; i < import->scan.count; i++) {
        struct maildir_name name;
        if (maildir_name_parse(import->scan.files[i].name, &name))
            TRY(map_put(&import->by_base, name.base, &import->scan.files[i]));
    }
    TRY(import_keywords(import));
    bool fresh = import->index->header.uid_validity == 0;
    if (fresh)
        TRY(import_numbered(import));
    if (import->index->header.uid_validity == 0)
        import->index->header.uid_validity = (uint32_t)time_wall_seconds();
    TRY(import_rest(import));
    find_recent(import->index);
    import->index->header.new_changed = import->scan.new_changed;
    import->index->header.cur_changed = import->scan.cur_changed;
    return OK;
}

error mailbox_import(struct index *index, int directory, uint32_t uid_validity, uint32_t uid_next)
{
    struct import import = {
        .index = index,
        .directory = directory,
        .scan = {.scan_new = true, .scan_cur = true, .with_status = true, .directory = directory}};
    map_init(&import.by_base);
    buffer_init(&import.uidls, STORE_UIDL_FILE_SIZE_MAX);
    index->quiet = true; /* the snapshot will have it all */
    index->header.uid_validity = uid_validity;
    index->header.uid_next = uid_next ? uid_next : 1;
    index->header.modseq = 1;
    index->header.mailbox_id = random_u64();
    index->header.stops = store_shared.stops;
    error problem = run(&import);
    index->quiet = false;
    scan_close(&import.scan);
    map_close(&import.by_base);
    free(import.uidlist);
    buffer_close(&import.uidls);
    if (!failed(problem) && index->header.messages > 0) {
        struct log_line line = log_begin(LOG_INFO, "store.import");
        log_number(&line, "messages", index->header.messages);
        log_number(&line, "uid_validity", index->header.uid_validity);
        log_number(&line, "uid_next", index->header.uid_next);
        log_end(&line);
    }
    return problem;
}
