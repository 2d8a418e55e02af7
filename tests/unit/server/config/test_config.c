/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];
static struct buffer problems;

static error load(const char *text, const struct config_overrides *overrides,
                  struct config **out_config)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    buffer_reset(&problems);
    return config_load(path, overrides, &problems, out_config);
}

/* The line must begin with the file's name and go on with `expected`. */
static void assert_problem(const char *text, const char *expected)
{
    struct config *config = NULL;
    assert_int_equal(load(text, NULL, &config).kind, ERROR_MALFORMED);
    assert_null(config);
    char line[1024];
    snprintf(line, sizeof line, "%s%s\n", path, expected);
    buffer_add_byte(&problems, '\0');
    assert_string_equal(problems.data, line);
}

static void test_defaults_are_right(void **state)
{
    (void)state;
    struct config *config = NULL;
    assert_false(failed(config_load(NULL, NULL, &problems, &config)));
    assert_int_equal(config->store.durability, JOURNAL_DURABILITY_JOURNAL);
    assert_int_equal(config->listen.admin.count, 1);
    assert_null(config->server.user);
    config_destroy(&config);
    assert_null(config);
}

/* What config_write says can be read back and means the same. */
static void test_round_trip(void **state)
{
    (void)state;
    struct config *config = NULL, *again = NULL;
    assert_false(failed(load("listen { smtp = [\"*:2525\", \"[::1]:25\"] }\n"
                             "server.hostname = mx.example.org\nstore { durability = none }\n"
                             "directory { path = /tmp/d.sqlite; cache_positive = 90s }",
                             NULL, &config)));
    assert_int_equal(config->listen.smtp.count, 2);
    struct buffer first, second;
    buffer_init(&first, 1 << 20);
    buffer_init(&second, 1 << 20);
    config_write(config, true, &first);
    buffer_add_byte(&first, '\0');
    assert_false(failed(load(first.data, NULL, &again)));
    config_write(again, true, &second);
    buffer_add_byte(&second, '\0');
    assert_string_equal(first.data, second.data);
    buffer_close(&first);
    buffer_close(&second);
    config_destroy(&config);
    config_destroy(&again);
}

static void test_every_mistake_has_its_line(void **state)
{
    (void)state;
    assert_problem("\nstore {\n durabilty = none\n}",
                   ":3: store.durabilty is not a setting; did you mean store.durability?");
    assert_problem("durability = none",
                   ":1: durability is not a setting; did you mean store.durability?");
    assert_problem("stroe.durability = none",
                   ":1: stroe.durability is not a setting; did you mean store.durability?");
    assert_problem("store.durability = maybe", ":1: store.durability wants one of: journal, fsync, "
                                               "none, not \"maybe\" (not one of the choices)");
    assert_problem("\nserver.shutdown_timeout = 2h",
                   ":2: server.shutdown_timeout wants a duration from 0 to 1h, not \"2h\" (outside "
                   "its range)");
    assert_problem("server { hostname = a\n hostname = b }",
                   ":2: server.hostname was set before, on line 1");
    assert_problem("server.hostname = [a]",
                   ":1: server.hostname wants a text of 0 to 4096 bytes (a list where one value is "
                   "wanted)");
    assert_problem("a {\n", ":2: a section that does not end");
    assert_problem("tls { certificates = /nowhere/c.pem\nkeys = /dev/null }",
                   ":1: tls.certificates: /nowhere/c.pem: No such file or directory");
    assert_problem("tls { certificates = [\"/dev/null\", \"/dev/zero\"]\nkeys = /dev/null }",
                   ":2: tls.keys: 1 keys for 2 certificates");
    assert_problem("listen.smtp = \"nonsense:port\"",
                   ":1: listen.smtp: \"nonsense:port\" is no address such as \"*:25\", "
                   "\"192.0.2.1:25\", \"[::1]:25\" or \"unix:/run/x.sock\"");
    assert_problem("listen.admin = \"0.0.0.0:9090\"",
                   ":1: listen.admin: 0.0.0.0:9090 is open to others: set admin.token");
    assert_problem("listen.imaps = \"*:993\"",
                   ":1: listen.imaps: needs tls.certificates and tls.keys");
    assert_problem("listen.submissions = \"*:465\"",
                   ":1: listen.submissions: needs tls.certificates and tls.keys");
    assert_problem("listen.submission = \"*:587\"",
                   ":1: listen.submission: nobody could log in: needs tls.certificates and "
                   "tls.keys, or submission.tls_required = off");
    assert_problem("listen.https = \"*:443\"",
                   ":1: listen.https: needs tls.certificates and tls.keys");
    assert_problem("dkim.keys = [\"a.example=s:/k\", \"a.example:s=/k\"]",
                   ":1: dkim.keys: \"a.example:s=/k\" is not of the form DOMAIN=SELECTOR:/PATH");
    assert_problem("dkim.path = \"/keys/%d.%s\"",
                   ":1: dkim.path: %d and %s stand in the same name");
    assert_problem("remote.source_ipv4 = \"2001:db8::1\"",
                   ":1: remote.source_ipv4: 2001:db8::1 is no IPv4 address");
    assert_problem("forward.srs_secret = short",
                   ":1: forward.srs_secret: 5 bytes are too short: 16 at least");
    assert_problem("webhook.urls = [\"https://a.example/\", \"ftp://a.example/\"]",
                   ":1: webhook.urls: \"ftp://a.example/\" is no address such as "
                   "https://host/path");
    assert_problem("webhook.events = [mail.eaten]",
                   ":1: webhook.events: there are mail.accepted, mail.delivered, mail.deferred, "
                   "mail.bounced, mail.complaint, mail.reported and account.limited");
    assert_problem("webhook.secret = \"whsec_no base64\"",
                   ":1: webhook.secret: what follows \"whsec_\" is not base64");
    assert_problem("queue.rates = [\"example.net=60\", \"example.net\"]",
                   ":1: queue.rates: \"example.net\" is no rate such as \"example.net=60\"");
    assert_problem("queue.retry_max = 1m", ":1: queue.retry_max: is shorter than queue.retry_min");
    assert_problem("dns.servers = [\"127.0.0.1:53\", \"53\"]",
                   ":1: dns.servers: \"53\" is no server such as \"192.0.2.53\", "
                   "\"127.0.0.1:5353\" or \"[2001:db8::53]:53\"");
    assert_problem("route.transports = [\"a.test=smtp:[b]:25\", \"a.test=lmtp:\"]",
                   ":1: route.transports: \"a.test=lmtp:\": lmtp needs a host or a socket");
    assert_problem(
        "route.tls_policies = [\"a.test=dane\"]",
        ":1: route.tls_policies: \"a.test=dane\": \"domain=level\" is wanted, none, may, "
        "encrypt or verify");
    assert_problem("route.smart_host = \"[relay\"",
                   ":1: route.smart_host: \"[relay\": a bracket is not closed");
    assert_problem("route.own_addresses = [\"here\"]",
                   ":1: route.own_addresses: \"here\" is no IP address");
    assert_problem("tls_report.contact = postmaster",
                   ":1: tls_report.contact: is no address such as postmaster@example.org");
    assert_problem("route.user = alice",
                   ":1: route.user: there is no route.smart_host to log in at");
    assert_problem("server.user = \"nobody-by-this-name\"",
                   ":1: server.user: there is no user \"nobody-by-this-name\" here");
    assert_problem("store { journal_segment_size = 16M; journal_segment_count = 7 }\n"
                   "smtp.size_max = 50M\nimap.message_size_max = 1M",
                   ":2: smtp.size_max: 52428800 bytes do not fit into the journal, which takes "
                   "50331648: raise store.journal_segment_size or store.journal_segment_count");
    struct config *config = NULL;
    assert_true(failed(config_load("/nowhere/ringmail.conf", NULL, &problems, &config)));
}

static void test_secrets_are_not_told(void **state)
{
    (void)state;
    struct config *config = NULL;
    assert_false(failed(load("admin.token = hunter2", NULL, &config)));
    struct buffer out;
    buffer_init(&out, 1 << 20);
    config_write(config, false, &out);
    config_write_json(config, &out);
    assert_false(failed(buffer_check(&out)));
    assert_int_equal(slice_find(buffer_slice(&out), SLICE("hunter2")), -1);
    assert_true(slice_find(buffer_slice(&out), SLICE("***")) > 0);
    /* JSON's own types where there are such. */
    assert_true(slice_find(buffer_slice(&out), SLICE("\"pin\":{\"value\":true,")) > 0);
    assert_true(
        slice_find(buffer_slice(&out), SLICE("\"admin\":{\"value\":[\"127.0.0.1:9090\"],")) > 0);
    assert_true(slice_find(buffer_slice(&out), SLICE("\"size_max\":{\"value\":\"50M\",")) > 0);
    buffer_close(&out);
    config_destroy(&config);
}

static void test_reload_keeps_what_needs_a_restart(void **state)
{
    (void)state;
    struct config *running = NULL, *fresh = NULL;
    assert_false(failed(load("core.count = 2; log.level = info", NULL, &running)));
    static const struct config_overrides overrides = {1, {{SLICE("log.level"), SLICE("debug")}}};
    assert_false(failed(load("core.count = 4; log.level = error", &overrides, &fresh)));
    assert_int_equal(fresh->log.level, LOG_DEBUG);
    struct buffer notes;
    buffer_init(&notes, 4096);
    config_keep_fixed(fresh, running, &notes);
    assert_true(slice_equal(buffer_slice(&notes), SLICE("core.count stays 2 until a restart\n")));
    assert_int_equal(fresh->core.count, 2);
    assert_int_equal(fresh->log.level, LOG_DEBUG);
    buffer_close(&notes);
    config_destroy(&running);
    config_destroy(&fresh);
}

/* Each row of each table: a help line, a default within its own range. */
static void test_tables_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_section_count; i++) {
        const struct setting_table *table = config_sections[i].table;
        for (size_t j = 0; j < table->count; j++) {
            const struct setting *row = &table->rows[j];
            assert_non_null(row->help);
            assert_true(strlen(row->help) > 0);
            assert_ptr_equal(setting_find(table, slice_from_string(row->name)), row);
            if (row->type <= SETTING_TYPE_DURATION) {
                assert_true(row->fallback >= row->min);
                assert_true(row->fallback <= row->max);
            }
            assert_true(row->offset + row->size <= table->struct_size);
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/ringmail-config-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    buffer_init(&problems, CONFIG_PROBLEMS_SIZE_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    buffer_close(&problems);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_right),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_mistake_has_its_line),
        cmocka_unit_test(test_secrets_are_not_told),
        cmocka_unit_test(test_reload_keeps_what_needs_a_restart),
        cmocka_unit_test(test_tables_are_sound),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
