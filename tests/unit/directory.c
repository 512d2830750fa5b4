#include "tests/unit/directory.h"

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include <glib/gstdio.h>

void
directory_set_up (Directory *directory, const void *data)
{
  g_autoptr (GError) error = NULL;

  directory->path = g_dir_make_tmp ("test-XXXXXX", &error);
  g_assert_no_error (error);
  directory->fd = open (directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (directory->fd, >=, 0);
}

void
directory_tear_down (Directory *directory, const void *data)
{
  g_assert_cmpint (g_rmdir (directory->path), ==, 0);
  close (directory->fd);
  g_free (directory->path);
}

void
directory_remove (const char *path)
{
  bool link = g_file_test (path, G_FILE_TEST_IS_SYMLINK);
  g_autoptr (GDir) dir = link ? NULL : g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *below = g_build_filename (path, name, NULL);

      directory_remove (below);
    }
  g_remove (path);
}
