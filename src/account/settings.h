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

/* Sections that are no accounts. */
#define CONFIG_DEFAULTS "defaults"
#define CONFIG_GENERAL "postrider"

typedef enum
{
  SETTING_OF_ACCOUNT, /* in an account's section, or in [defaults] */
  SETTING_OF_GENERAL, /* in [postrider] */
} SettingScope;

typedef enum
{
  SETTING_TEXT,
  SETTING_FROM,       /* addresses and globs, separated by commas */
  SETTING_HOST,
  SETTING_PORT,
  SETTING_DOMAIN,
  SETTING_BOOL,       /* yes, no */
  SETTING_CHOICE,     /* one of `choices`; the field is an enum in their order */
  SETTING_MECHANISM,  /* one of sasl_choices (), in upper case but for "any" */
  SETTING_ADDRESSES,  /* an address list: each reaches another machine */
  SETTING_PROXY,      /* socks5://HOST[:PORT], or HOST:PORT: an Endpoint */
  SETTING_ADDRESS,    /* an IP address */
  SETTING_SOCKET,     /* a path that fits into the address of a socket */
  SETTING_TUNNEL,     /* a command; %h, %p and %% in it */
  SETTING_PATH,       /* absolute, or below the home directory: ~/… */
  SETTING_TRUST,      /* the same, or `none' */
  SETTING_PLACE,      /* a path, or a URI of PKCS #11 */
  SETTING_PINS,       /* pin-sha256:BASE64, separated by commas */
  SETTING_COMMAND,    /* a program and its arguments, quoted as for a shell */
  SETTING_CREDENTIAL, /* a name in systemd's directory of credentials */
  SETTING_DURATION,   /* 90, 90s, 500ms, 5m, 2h, 1d: milliseconds */
  SETTING_LIFETIME,   /* 30m, 4h, 5d, 2w: seconds */
  SETTING_PERIOD,     /* the same, or the one of `choices`: 0 */
  SETTING_COUNT,      /* 1 to 100 */
  SETTING_SIZE,       /* 1000, 64K, 100M, 2G: octets */
  SETTING_LOG,        /* syslog, none, or a path */
  SETTING_DSN_NOTIFY, /* never, or of success, failure, delay */
  SETTING_DSN_RETURN, /* one of `choices`, in upper case */
} SettingType;

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
