/* draft.h - what an old program's files say, on its way into an accounts file.
 *
 * The readers of import-*.c fill a Draft, from octets alone: they open no file
 * and ask nobody. What has no equivalent becomes a note: where it stood, and
 * what to do instead. A password is a Secret from the file to the keyring, and
 * no note, value, or error has anything of it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "account/edit.h"
#include "base/secret.h"

typedef struct
{
  const char *name; /* of settings.c */
  char *value;
  char *file; /* the old one */
  int line;
} DraftSetting;

typedef struct
{
  char *name; /* of the section */
  char *file;
  int line;
  GPtrArray *settings; /* of DraftSetting; owned */
  Secret *password;    /* for the keyring; NULL: none stood there */
  char *password_file;
  int password_line;
  bool left_out; /* it cannot be an account; a note says why */
  bool is_there; /* so it is because there is one of its name */
} DraftAccount;

typedef struct
{
  char *file;
  int line; /* 0: of the whole file */
  char *text;
} DraftNote;

/* A file as it was read; no NUL is in it. */
typedef struct
{
  const char *file; /* its path, for notes */
  const char *octets;
  size_t length;
} DraftText;

/* The old programs ask the system for these. */
typedef struct
{
  const char *user;      /* the login name */
  const char *host;      /* this machine's */
  const char *mail_name; /* /etc/mailname; nullable */
  /* What COMMAND prints, for `eval'; NULL: it failed. The caller owns it. */
  Secret *(*evaluate) (const char *command);
} DraftWorld;

typedef struct
{
  const char *file; /* the one that is read now, for notes; borrowed */
  const DraftWorld *world;
  GPtrArray *accounts; /* of DraftAccount; owned */
  GPtrArray *general;  /* of DraftSetting, for [postrider] */
  GPtrArray *notes;    /* of DraftNote */
  GPtrArray *paths;    /* of char *: what has to live as long; owned */
} Draft;

Draft *draft_new (const DraftWorld *world);
void draft_free (Draft *draft);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Draft, draft_free)

/* Adds a note on LINE of the current file. */
void draft_note (Draft *draft, int line, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* A new account, whose section has a name like NAME: characters that it cannot
 * have are replaced, and a name that is taken or reserved gets a number. A
 * note tells another name. The result belongs to DRAFT. */
DraftAccount *draft_account (Draft *draft, const char *name, int line);

/* Sets NAME to VALUE, which stood on LINE. A VALUE that the setting cannot
 * have becomes a note instead. With ACCOUNT NULL: in [postrider], unless it is
 * set. */
void draft_set (Draft *draft, DraftAccount *account, const char *name,
                const char *value, int line);

/* Sets the port, and that TLS begins by STARTTLS or does not; what goes without
 * saying is not written. */
void draft_way (Draft *draft, DraftAccount *account, const char *port,
                bool starttls, int line);

/* What draft_set stored; NULL: nothing. */
const char *draft_get (const DraftAccount *account, const char *name);

/* ADDRESS, or a pattern, as one more of the account's `from', unless it is
 * there. False: it is none, and a note says so. */
bool draft_from (Draft *draft, DraftAccount *account, const char *address,
                 int line);

/* The same for an account that says no address; a note tells what it gets.
 * False: GUESS (nullable) is no address either. */
bool draft_guess_from (Draft *draft, DraftAccount *account, const char *guess,
                       int line);

/* Whether PATH is where systems have the authorities that are trusted anyway.
 */
bool draft_is_system_bundle (const char *path);

/* A program that a shell was given as COMMAND: without a shell where that is
 * the same. The caller owns it. */
char *draft_command (const char *command);

/* Keeps a copy of PASSWORD, unless it is none that can be stored: then a note.
 */
void draft_password (Draft *draft, DraftAccount *account,
                     const Secret *password, int line);

/* Notes that ACCOUNT does not log in, and that it has to. */
void draft_no_login (Draft *draft, const DraftAccount *account, int line);

/* Notes that the old program did not check the relay's certificate. */
void draft_unchecked (Draft *draft, const DraftAccount *account, int line);

/* ACCOUNT stays out, and a note on LINE says why. */
void draft_leave_out (Draft *draft, DraftAccount *account, int line,
                      const char *format, ...) G_GNUC_PRINTF (4, 5);

/* Marks ACCOUNT as the default. */
void draft_set_default (DraftAccount *account);

/* Leaves out what is no whole account, and then writes the others into EDIT,
 * all that stands there already left as it is. Notes tell both. */
void draft_apply (Draft *draft, Edit *edit);

/* The lines of a text. */
typedef struct
{
  const DraftText *text;
  size_t next;      /* where the next one begins */
  const char *line; /* without its end, which is LF or CRLF */
  size_t length;
  int number;
} DraftLines;

/* Reads the next one that has at most MAXIMUM octets; a note tells of each that is
 * longer. False: there is none. */
bool draft_next_line (Draft *draft, DraftLines *lines, size_t maximum);
