#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The store's settings: section "store" of the configuration, for struct store_settings.
 */
#include "base/setting.h"
#include "data/store/store.h"

extern const struct setting_table store_setting_table;
