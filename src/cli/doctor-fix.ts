/** What to do about a database that does not open or is not whole, by what was said of it. */
export function databaseFix(message: string): string {
  if (/SQLITE_BUSY|database is locked/.test(message))
    return 'another program holds it: "fuser -v" on the file names it. End it, or wait until it is done';
  // The message itself says what to run.
  if (message.includes("its schema is version")) return "then run this again";
  if (message.includes("libgcc_s.so"))
    return "install libgcc: as libgcc-s1, libgcc or gcc-libs, most systems have it";
  // As the loaders of glibc and of musl say it.
  if (/cannot open shared object|ERR_DLOPEN|Error loading shared library/.test(message))
    return "the database library could not be loaded: see the temporary directory above";
  if (/SQLITE_(READONLY|CANTOPEN|FULL|IOERR)|Cannot create the data directory/.test(message))
    return "see the data directory and the disk above, then run this again";
  return 'after the above, if any: move the file away and bring a backup back with "lowrouter restore FILE"';
}

/** The same of a database elsewhere: nothing of it lies here, to be moved away or brought back. */
export function remoteDatabaseFix(message: string): string {
  if (message.includes("its schema is version")) return "then run this again";
  if (/HTTP status 40[13]\b/.test(message))
    return "check LOWROUTER_DATABASE_TOKEN: its server refuses it";
  return "check database.url, the network and its server; what waits here is sent once it answers";
}
