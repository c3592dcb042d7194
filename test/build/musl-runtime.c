/* What the C++ libraries of Debian ask of glibc and musl does not have: enough for them to run on musl in a test. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/random.h>

__attribute__((visibility("hidden"))) void *__dso_handle = &__dso_handle;

char __libc_single_threaded = 0;

uint32_t arc4random(void) {
  uint32_t word;
  while (getrandom(&word, sizeof word, 0) != sizeof word) {
  }
  return word;
}

unsigned long __getauxval(unsigned long type) { return getauxval(type); }

#ifdef __x86_64__
/* libgcc has these for old programs only, under a version that musl does not look at. */
struct {
  unsigned vendor, type, subtype, features[1];
} __cpu_model;
int __cpu_indicator_init(void) { return 0; }
#endif

struct search {
  uintptr_t address;
  struct dl_find_object *found;
  int is_found;
};

static int look(struct dl_phdr_info *object, size_t size, void *given) {
  struct search *search = given;
  const ElfW(Phdr) *frames = NULL;
  int is_inside = 0;
  (void)size;
  for (int at = 0; at < object->dlpi_phnum; at++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[at];
    uintptr_t from = object->dlpi_addr + part->p_vaddr;
    if (part->p_type == PT_GNU_EH_FRAME) frames = part;
    if (part->p_type != PT_LOAD || search->address < from || search->address >= from + part->p_memsz) continue;
    is_inside = 1;
    search->found->dlfo_map_start = (void *)from;
    search->found->dlfo_map_end = (void *)(from + part->p_memsz);
  }
  if (!is_inside || frames == NULL) return 0;
  search->found->dlfo_eh_frame = (void *)(object->dlpi_addr + frames->p_vaddr);
  search->is_found = 1;
  return 1;
}

/* How an exception finds the tables of the code that it leaves. Source: dlfcn.h of glibc 2.35 */
int _dl_find_object(void *address, struct dl_find_object *found) {
  struct search search = {(uintptr_t)address, found, 0};
  dl_iterate_phdr(look, &search);
  return search.is_found ? 0 : -1;
}
