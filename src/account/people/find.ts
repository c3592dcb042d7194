import { textOf, type Store } from "#src/store/store.ts";

/** Somebody by id, else by address; undefined where nobody is known by it. */
export async function findPerson(
  store: Store,
  { id, email }: { id: string; email: string },
): Promise<{ id: string; name: string; email: string } | undefined> {
  const [row] = await store.read(
    "SELECT id, name, email FROM person WHERE (?1 <> '' AND id = ?1) OR (?1 = '' AND email = ?2)",
    [id, email],
  );
  return (
    row && {
      id: textOf(row, "id") ?? "",
      name: textOf(row, "name") ?? "",
      email: textOf(row, "email") ?? "",
    }
  );
}

/** Addresses of people by their ids; who was deleted is not there. */
export async function personNames(
  store: Store,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await store.read(
    "SELECT id, email FROM person WHERE id IN (SELECT value FROM json_each(?))",
    [JSON.stringify(ids)],
  );
  return new Map(rows.map((row) => [textOf(row, "id") ?? "", textOf(row, "email") ?? ""]));
}
