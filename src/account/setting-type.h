/* setting-type.h - what a setting may be set to: the types of values, how each is
 * read, and where it is stored.
 *
 * A row of settings.c names its type and a field that is fit for it. Strings that a
 * field holds are owned by it, and replaced.
 */
#pragma once

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
  SETTING_PAUSE,      /* the same, from 0 to 5m */
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
  SettingType type;
  const char *const *choices; /* ended by NULL; NULL where the type has none */
  const char *value;          /* as a user wrote it */
  const char *home;           /* for "~/"; nullable */
  void *field;
} Assignment;

/* Stores the value; NULL: it is done. Else a sentence, owned by the caller, that says
 * what to write instead. */
char *setting_type_store (const Assignment *assignment);

/* VALUE for a message: printable, not too long, and without what may be a secret in
 * one of this TYPE. The caller owns it. */
char *setting_type_show (SettingType type, const char *value);
