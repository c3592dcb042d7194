import { CommandError, type Output } from "#src/cli/output.ts";

/** A secret from the standard input: asked for without echo at a terminal, else all of it. Throws where there is none. */
export async function readSecretInput(prompt: string, output: Output): Promise<string> {
  const given = output.secret
    ? await output.secret()
    : process.stdin.isTTY
      ? await askHidden(prompt, output)
      : await Bun.stdin.text();
  const secret = given.trim();
  if (secret !== "") return secret;
  throw new CommandError(
    'Cannot read a key: nothing came in\nGive it on stdin, as in "lowrouter provider key openai < key.txt", or type it when asked',
    2,
  );
}

const enter = new Set(["\r", "\n", "\u0004"]);
const interrupt = "\u0003";
const backspace = new Set(["\u007f", "\b"]);

/** One line, typed or pasted. A pasted JSON has several: it goes on while its braces are open. */
function askHidden(prompt: string, output: Output): Promise<string> {
  const { stdin } = process;
  output.err(`${prompt}: `);
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.resume();
  return new Promise((resolve, reject) => {
    let typed = "";
    const end = () => {
      stdin.setRawMode(false);
      stdin.pause();
      stdin.off("data", hear);
      output.err("\n");
    };
    const hear = (piece: string) => {
      for (const character of piece) {
        if (character === interrupt) {
          end();
          return reject(new CommandError("Nothing was kept", 1));
        }
        if (backspace.has(character)) typed = typed.slice(0, -1);
        else if (!enter.has(character) || (character !== "\u0004" && isOpen(typed)))
          typed += character;
        else {
          end();
          return resolve(typed);
        }
      }
    };
    stdin.on("data", hear);
  });
}

function isOpen(typed: string): boolean {
  if (!typed.trimStart().startsWith("{")) return false;
  try {
    JSON.parse(typed);
    return false;
  } catch {
    return true; // There is more to come, or Ctrl-D ends it.
  }
}
