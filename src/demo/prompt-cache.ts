const blockCharacters = 512;
const leastBlocks = 8;
const most = 20_000;

/** Which prompt starts a simulated provider has seen. */
export interface PromptCache {
  /** Characters of the prompt's start that were seen before, in steps of about 128 tokens and from 1024 up; then remembers it. */
  seen(prompt: string): number;
}

/** A cache of prompt starts, as providers keep one: only long ones, and the oldest go first. */
export function createPromptCache(): PromptCache {
  const known = new Set<bigint>();
  return {
    seen(prompt) {
      const blocks = Math.floor(prompt.length / blockCharacters);
      if (blocks < leastBlocks) return 0;
      let hash = 0n;
      let hits = 0;
      for (let block = 1; block <= blocks; block++) {
        const piece = prompt.slice((block - 1) * blockCharacters, block * blockCharacters);
        hash = BigInt(Bun.hash(piece, hash));
        if (block < leastBlocks) continue;
        if (known.has(hash)) hits = block;
        else known.add(hash);
      }
      for (const oldest of known) {
        if (known.size <= most) break;
        known.delete(oldest);
      }
      return hits * blockCharacters;
    },
  };
}
