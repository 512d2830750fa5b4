/* config.h - the syntax of an accounts file: sections of settings.
 *
 *   # a comment, also with ';', at the start of a line or after white space
 *   [section]
 *   name = value
 *   name = "a value with # or blanks at its ends; \" and \\ inside"
 *
 * UTF-8; a byte order mark and CRLF are tolerated; control characters, lines
 * over CONFIG_LINE_MAXIMUM octets and files over CONFIG_FILE_MAXIMUM are errors.
 * Every error of a file is gathered with its line and column (in characters, from
 * 1), those of the settings' meaning among them, so that one run shows them all.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define CONFIG_LINE_MAXIMUM 4096
#define CONFIG_FILE_MAXIMUM (1024 * 1024)

typedef struct
{
  char *name;
  char *value; /* NULL: it was refused, and that has been said */
  int line;
  int column;  /* of the name */
  int value_column;
} ConfigEntry;

typedef struct
{
  char *name;
  int line;
  int column;
  bool refused;       /* its head was, and that has been said */
  GPtrArray *entries; /* of ConfigEntry, each name once; owned */
} ConfigSection;

typedef struct
{
  char *file;          /* its path, for messages */
  char *digest;        /* of its octets: SHA-256 */
  GPtrArray *sections; /* of ConfigSection, in the order of the file; owned */
  GPtrArray *problems; /* for config_problem and config_check alone */
} Config;

void config_free (Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Config, config_free)

/* Reads FILE. With errors of syntax it still returns: see config_check. NULL and
 * FAILURE_CONFIG where it cannot be read, or where others than its owner may
 * write it, or the owner is neither this user nor root. Where there is no such
 * file and ABSENT is not NULL: NULL without an error, and *ABSENT set. */
Config *config_read (const char *file, bool *absent, GError **error);

/* The same for OCTETS that came from FILE. */
Config *config_parse (const char *file, const char *octets, size_t length);

/* Whether the name of a section may have the character C. */
bool config_may_name (gunichar c);

/* Section NAME; NULL: none. */
const ConfigSection *config_find_section (const Config *config,
                                          const char *name);

/* The entry NAME of SECTION; NULL: none. */
const ConfigEntry *config_find (const ConfigSection *section,
                                const char *name);

/* Adds one error. CONFIG may be NULL: then nothing is done. */
void config_problem (Config *config, int line, int column, const char *format,
                     ...) G_GNUC_PRINTF (4, 5);

/* True where there is no error; else false and FAILURE_CONFIG, one line
 * "file:line:column: text" for each, in the order of the file. */
bool config_check (Config *config, GError **error);
