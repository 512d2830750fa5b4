/* setup-options.h - what the command line of `postrider setup' says.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* The settings of an account that it can write, in the order in which they are
 * written. */
typedef enum
{
  SETUP_HOST,
  SETUP_PORT,
  SETUP_TLS,
  SETUP_USER,
  SETUP_AUTH,
  SETUP_TRUST_FILE,
  SETUP_PASSWORD_COMMAND,
  SETUP_PASSWORD_CREDENTIAL,
  SETUP_PASSWORD_FILE,
  SETUP_TOKEN_COMMAND,
  N_SETUP_SETTINGS,
} SetupSetting;

#define SETUP_FIRST_SOURCE SETUP_PASSWORD_COMMAND

extern const char *const setup_setting_names[N_SETUP_SETTINGS];

typedef enum
{
  CHOICE_OPEN, /* is asked for; else no */
  CHOICE_NO,
  CHOICE_YES,
} Choice;

typedef struct
{
  const char *accounts_file;
  const char *name;               /* of the account */
  const char *address;            /* the operand */
  char *values[N_SETUP_SETTINGS]; /* owned */
  const char *test_to;            /* NULL: the address itself */
  Choice test;
  Choice service;
  Choice link;
  Choice is_default;
  bool replace;
  bool unchecked; /* --no-check */
  bool batch;
  bool help;
} SetupOptions;

void setup_options_clear (SetupOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SetupOptions, setup_options_clear)

/* FAILURE_USAGE. */
bool setup_options_parse (SetupOptions *options, int argc, char **argv,
                          GError **error);

void setup_options_print_help (void);

/* VALUE, as a person wrote it, as it has to stand in the file: a relative path
 * is that of a file in the current directory. The caller owns it. */
char *setup_setting_value (SetupSetting setting, const char *value);
