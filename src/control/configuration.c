/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/control.h"

static void show(struct control *control, const struct config *config)
{
    if (control->options[OPTION_JSON]) {
        config_write_json(config, &control->out);
        buffer_add_byte(&control->out, '\n');
    } else {
        config_write(config, control->options[OPTION_DEFAULTS], &control->out);
    }
}

enum control_exit control_config_show(struct control *control)
{
    struct buffer problems;
    struct config *defaults;
    if (!control->options[OPTION_DEFAULTS]) {
        show(control, control->config);
        return CONTROL_DONE;
    }
    buffer_init(&problems, CONFIG_PROBLEMS_SIZE_MAX);
    error result = config_load(NULL, NULL, &problems, &defaults);
    if (!failed(result)) {
        show(control, defaults);
        config_destroy(&defaults);
    } else {
        slice lines = buffer_slice(&problems);
        control_say(CONTROL_TROUBLE, "%s: %.*s", result.text, SLICE_ARG(lines));
    }
    buffer_close(&problems);
    return failed(result) ? CONTROL_TROUBLE : CONTROL_DONE;
}

/* It was loaded to get here, and every problem said. */
enum control_exit control_config_check(struct control *control)
{
    buffer_format(
        &control->out,
        "%s is fine; certificates are not looked at here, but by ringmaild --check-config\n",
        control->options[OPTION_CONFIG]);
    return CONTROL_DONE;
}
