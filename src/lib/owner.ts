import { chownSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Gives a file that root made to whoever owns its directory: `sudo lowrouter …` beside a service would leave the service
 * a part of its state that it cannot read, and it would not start again. Others can only make what is theirs.
 */
export function giveToOwnerOfFolder(file: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(file));
  if (uid !== 0) chownSync(file, uid, gid);
}
