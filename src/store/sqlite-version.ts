import Database from "libsql";

/** Version of the SQLite that the database library carries. */
export function sqliteVersion(): string {
  const connection = new Database(":memory:");
  try {
    const [row] = connection.prepare("SELECT sqlite_version() AS version").all([]);
    const version: unknown =
      typeof row === "object" && row !== null ? Reflect.get(row, "version") : undefined;
    return String(version);
  } finally {
    connection.close();
  }
}
