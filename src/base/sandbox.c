#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "base/failure.h"

/* Numbers and structures of linux/landlock.h, which has all of them only where it
   is as new as the kernel. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_RULESET_VERSION 1U
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT 2

#define FS(bit) (UINT64_C (1) << (bit))
#define FS_EXECUTE FS (0)
#define FS_WRITE_FILE FS (1)
#define FS_READ_FILE FS (2)
#define FS_READ_DIR FS (3)
#define FS_REMOVE_FILE FS (5)
#define FS_MAKE_DIR FS (7)
#define FS_MAKE_REG FS (8)
#define FS_REFER FS (13)
#define FS_TRUNCATE FS (14)
#define FS_IOCTL_DEV FS (15)

#define NET_BIND_TCP (UINT64_C (1) << 0)
#define NET_CONNECT_TCP (UINT64_C (1) << 1)

#define SCOPE_ABSTRACT_UNIX_SOCKET (UINT64_C (1) << 0)
#define SCOPE_SIGNAL (UINT64_C (1) << 1)

/* What a file can have that is no directory. */
#define FS_OF_FILES                                                           \
  (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset
{
  uint64_t fs;
  uint64_t net;
  uint64_t scoped;
};

struct path_beneath
{
  uint64_t allowed;
  int32_t parent_fd;
} __attribute__ ((packed));

struct net_port
{
  uint64_t allowed;
  uint64_t port;
};

/* By the version of the kernel's interface. Before the second one nothing can be
   moved from one directory to another, whatever is allowed. */
static const struct
{
  int version;
  struct ruleset adds;
} versions[] = {
  { 2, { .fs = FS (14) - 1 } },
  { 3, { .fs = FS_TRUNCATE } },
  { 4, { .net = NET_BIND_TCP | NET_CONNECT_TCP } },
  { 5, { .fs = FS_IOCTL_DEV } },
  { 6, { .scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL } },
};

static const uint64_t rights[] = {
  [SANDBOX_READ] = FS_READ_FILE | FS_READ_DIR,
  [SANDBOX_WRITE]
  = FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
  [SANDBOX_KEEP] = FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_TRUNCATE
                   | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_REFER,
};

typedef struct
{
  char *path;
  uint64_t allowed;
} Place;

struct Sandbox
{
  GArray *places; /* of Place */
  GArray *ports;  /* of uint16_t */
  bool network;
  bool outside;
};

static void
place_clear (void *place)
{
  g_free (((Place *) place)->path);
}

Sandbox *
sandbox_new (void)
{
  Sandbox *sandbox = g_new0 (Sandbox, 1);

  sandbox->places = g_array_new (FALSE, FALSE, sizeof (Place));
  g_array_set_clear_func (sandbox->places, place_clear);
  sandbox->ports = g_array_new (FALSE, FALSE, sizeof (uint16_t));
  return sandbox;
}

void
sandbox_free (Sandbox *sandbox)
{
  if (sandbox == NULL)
    return;
  g_array_unref (sandbox->places);
  g_array_unref (sandbox->ports);
  g_free (sandbox);
}

void
sandbox_allow (Sandbox *sandbox, const char *path, SandboxRight right)
{
  Place place = { g_strdup (path), rights[right] };

  if (path != NULL)
    g_array_append_val (sandbox->places, place);
}

void
sandbox_allow_port (Sandbox *sandbox, uint16_t port)
{
  g_array_append_val (sandbox->ports, port);
}

void
sandbox_allow_network (Sandbox *sandbox)
{
  sandbox->network = true;
}

void
sandbox_allow_outside (Sandbox *sandbox)
{
  sandbox->outside = true;
}

/* All that this kernel can take away, and we can do without. */
static struct ruleset
handled (const Sandbox *sandbox)
{
  struct ruleset handled = { 0 };
  long version = syscall (SYS_landlock_create_ruleset, NULL, 0,
                          CREATE_RULESET_VERSION);

  for (size_t i = 0; i < G_N_ELEMENTS (versions); i++)
    if (version >= versions[i].version)
      {
        handled.fs |= versions[i].adds.fs;
        handled.net |= versions[i].adds.net;
        handled.scoped |= versions[i].adds.scoped;
      }
  if (sandbox->network)
    handled.net = 0;
  if (sandbox->outside)
    handled.scoped = 0;
  return handled;
}

/* What is not there needs no rule, and what cannot be opened now could not be later.
 */
static bool
is_out_of_reach (int errnum)
{
  return errnum == ENOENT || errnum == ENOTDIR || errnum == EACCES
         || errnum == EPERM || errnum == ELOOP || errnum == ENAMETOOLONG
         || errnum == ENXIO;
}

static bool
has_no_landlock (int errnum)
{
  return errnum == ENOSYS || errnum == EOPNOTSUPP || errnum == EPERM;
}

/* The kernel refuses for a file what only a directory can have. */
static bool
add_place (int ruleset, const struct ruleset *handled, const Place *place)
{
  struct path_beneath rule
      = { place->allowed & handled->fs,
          open (place->path, O_PATH | O_CLOEXEC) };
  bool added;

  if (rule.parent_fd < 0)
    return is_out_of_reach (errno);
  added = syscall (SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0)
          == 0;
  if (!added && errno == EINVAL)
    {
      rule.allowed &= FS_OF_FILES;
      added = syscall (SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH,
                       &rule, 0)
              == 0;
    }
  close (rule.parent_fd);
  return added;
}

static bool
add_rules (int ruleset, const struct ruleset *handled, const Sandbox *sandbox)
{
  for (unsigned i = 0; i < sandbox->places->len; i++)
    if (!add_place (ruleset, handled,
                    &g_array_index (sandbox->places, Place, i)))
      return false;
  for (unsigned i = 0; handled->net != 0 && i < sandbox->ports->len; i++)
    {
      struct net_port rule
          = { NET_CONNECT_TCP, g_array_index (sandbox->ports, uint16_t, i) };

      if (rule.port == 0)
        rule.allowed = NET_BIND_TCP;
      if (syscall (SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0)
          != 0)
        return false;
    }
  return true;
}

static SandboxEntry
set_failed (GError **error)
{
  if (has_no_landlock (errno))
    return SANDBOX_UNKNOWN;
  failure_set_errno (error, FAILURE_TEMPORARY, errno,
                     _ ("cannot confine this process"));
  return SANDBOX_FAILED;
}

SandboxEntry
sandbox_enter (const Sandbox *sandbox, GError **error)
{
  struct ruleset all = handled (sandbox);
  SandboxEntry entry = SANDBOX_ENTERED;
  int ruleset;

  if (all.fs == 0)
    return SANDBOX_UNKNOWN;
  ruleset = (int) syscall (SYS_landlock_create_ruleset, &all, sizeof all, 0);
  if (ruleset < 0)
    return set_failed (error);
  sandbox_refuse_privileges ();
  if (!add_rules (ruleset, &all, sandbox)
      || syscall (SYS_landlock_restrict_self, ruleset, 0) != 0)
    entry = set_failed (error);
  close (ruleset);
  return entry;
}

static Sandbox *prepared;

void
sandbox_prepare (Sandbox *sandbox)
{
  sandbox_free (prepared);
  prepared = sandbox;
}

SandboxEntry
sandbox_enter_prepared (GError **error)
{
  SandboxEntry entry = SANDBOX_ENTERED;

  if (prepared != NULL)
    entry = sandbox_enter (prepared, error);
  sandbox_prepare (NULL);
  return entry;
}

void
sandbox_refuse_privileges (void)
{
  (void) prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
