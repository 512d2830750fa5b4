/* settings.h - the table of all settings: what an accounts file may say.
 *
 * One row for each setting. The reader of accounts, the manual page and whatever
 * else speaks of settings take them from here and from nowhere else: a new
 * setting is a new row and a field for it to be stored in.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "account/account.h"
#include "account/config.h"
#include "account/setting-type.h"

/* Sections that are no accounts. */
#define CONFIG_DEFAULTS "defaults"
#define CONFIG_GENERAL "postrider"

typedef enum
{
  SETTING_OF_ACCOUNT, /* in an account's section, or in [defaults] */
  SETTING_OF_GENERAL, /* in [postrider] */
} SettingScope;

typedef struct
{
  const char *name;
  SettingType type;
  SettingScope scope;
  size_t offset;              /* of the field in Account or General */
  const char *initial;        /* as a user would write it; NULL: not set */
  const char *const *choices; /* ended by NULL; NULL where the type has none */
  const char *help;           /* untranslated: for gettext () */
} Setting;

extern const Setting settings[];
extern const size_t settings_count;

/* NULL: there is none of that name in SCOPE. */
const Setting *settings_find (SettingScope scope, const char *name);

/* Stores the initial values of SCOPE in TARGET, an Account or a General. */
void settings_apply_initial (SettingScope scope, void *target);

/* Stores in TARGET what SECTION says, over what it holds. What is wrong becomes
 * a problem of CONFIG (nullable: said before) and is left out. HOME (nullable)
 * is the directory for "~/". */
void settings_apply (Config *config, const ConfigSection *section,
                     SettingScope scope, const char *home, void *target);
