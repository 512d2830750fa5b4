#include "submit/confine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib/gi18n.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "base/user.h"
#include "smtp/session.h"
#include "smtp/token.h"

#define PORT_DNS 53

/* Where the system keeps what libraries read when they are first used: modules for
   host names and charsets, authorities, time zones, translations. */
static const char *const system_places[] = {
  "/etc",
  "/etc/resolv.conf", /* which may be a link to anywhere */
  "/etc/hosts",
  "/usr",
  "/lib",
  "/lib32",
  "/lib64",
  "/opt",
  "/nix/store",
  "/gnu/store",
  "/run/systemd",
  "/run/NetworkManager",
  "/run/connman",
  "/run/nscd",
  "/run/resolvconf",
  "/var/cache/nscd",
  "/var/lib/extrausers",
  "/var/lib/sss",
  "/dev/random",
  "/dev/urandom",
  "/proc/self",
  "/proc/sys",
  LOCALEDIR,
};

/* The second is for a question that a smart card's module asks. */
static const char *const devices[] = { "/dev/null", "/dev/tty" };

static bool
is_below (const char *path, const char *directory)
{
  size_t length = strlen (directory);

  return strncmp (path, directory, length) == 0 && path[length] == '/';
}

/* It may be replaced by a new file of its name, so its directory counts; but not
   where that would be the whole of a home. */
static void
allow_file (Sandbox *sandbox, const char *path, const char *home)
{
  g_autofree char *target = path != NULL ? realpath (path, NULL) : NULL;
  g_autofree char *directory
      = target != NULL ? g_path_get_dirname (target) : NULL;

  sandbox_allow (sandbox, path, SANDBOX_READ);
  if (directory != NULL && home != NULL && is_below (directory, home))
    sandbox_allow (sandbox, directory, SANDBOX_READ);
}

/* A module for PKCS #11 reads what it wants; so does Kerberos, and asks servers that
   nobody here knows of. */
static void
allow_libraries (Sandbox *sandbox, const Relay *relay)
{
  bool kerberos = g_strcmp0 (relay->auth, "GSSAPI") == 0;

  if (kerberos)
    sandbox_allow_network (sandbox);
  if (kerberos || token_is_uri (relay->certificate) || token_is_uri (relay->key))
    sandbox_allow (sandbox, "/", SANDBOX_READ);
}

static void
allow_relay (Sandbox *sandbox, const Relay *relay, const char *home)
{
  const char *const files[] = { relay->trust_file, relay->crl_file,
                                relay->certificate, relay->key };

  sandbox_allow_port (sandbox, PORT_DNS);
  sandbox_allow_port (sandbox, relay->proxy.host != NULL ? relay->proxy.port
                                                         : relay->port);
  if (relay->source_address != NULL)
    sandbox_allow_port (sandbox, 0);
  for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
    allow_file (sandbox, files[i], home);
  allow_libraries (sandbox, relay);
}

/* The notification for the sender is made here as well. */
static void
allow_queue (Sandbox *sandbox, const Queue *queue)
{
  g_autofree char *top
      = g_path_get_dirname (queue_room_path (queue, ROOM_QUEUE));

  sandbox_allow (sandbox, top, SANDBOX_KEEP);
}

/* The desktop is told, over a bus that may have no other address. */
static void
allow_bus (Sandbox *sandbox)
{
  const char *address = g_getenv ("DBUS_SESSION_BUS_ADDRESS");

  if (address != NULL && strstr (address, "unix:abstract=") != NULL)
    sandbox_allow_outside (sandbox);
}

static bool
enter (const Sandbox *sandbox, bool verbose, GError **error)
{
  SandboxEntry entry = sandbox_enter (sandbox, error);

  if (entry == SANDBOX_UNKNOWN && verbose)
    fputs (_ ("postrider: this kernel has no Landlock, so nothing confines "
              "the conversation with the relay\n"),
           stderr);
  return entry != SANDBOX_FAILED;
}

bool
confine_attempt (const Queue *queue, const General *general,
                 const Account *account, bool verbose, GError **error)
{
  g_autofree char *home = user_home ();
  g_autofree char *real_home = home != NULL ? realpath (home, NULL) : NULL;
  g_autoptr (Sandbox) sandbox = sandbox_new ();

  log_keep_open ();
  if (account != NULL)
    session_load_libraries ();
  for (size_t i = 0; i < G_N_ELEMENTS (system_places); i++)
    sandbox_allow (sandbox, system_places[i], SANDBOX_READ);
  for (size_t i = 0; i < G_N_ELEMENTS (devices); i++)
    sandbox_allow (sandbox, devices[i], SANDBOX_WRITE);
  if (queue != NULL)
    allow_queue (sandbox, queue);
  allow_file (sandbox, general->aliases, real_home);
  if (account != NULL)
    allow_relay (sandbox, &account->relay, real_home);
  allow_bus (sandbox);
  if (account == NULL || account->relay.tunnel == NULL)
    return enter (sandbox, verbose, error);
  /* Its command is started before, and ended from inside. */
  sandbox_allow_outside (sandbox);
  sandbox_prepare (g_steal_pointer (&sandbox));
  return true;
}
