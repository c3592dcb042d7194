import { balance } from "#src/gateway/routing/rank-policy.ts";
import { inOrder, type Ranked, type Ranking } from "#src/gateway/routing/ranked.ts";
import { isAt } from "#src/gateway/routing/sticky.ts";

/** Scores that differ by no more than this share of the better one are equal. */
const tieShare = 0.01;

/** Settles equal scores by chance, or, where we chose the model, by balance. Sorted in, sorted out. */
export function settleTies(ranked: Ranked[], ranking: Ranking): void {
  for (let start = 0; start < ranked.length;) {
    const end = endOfTie(ranked, start);
    if (end - start > 1) {
      if (ranking.isAutomatic) byBalance(ranked, start, end, ranking);
      else draw(ranked, start, end, ranking);
    }
    start = end;
  }
}

/** Just past the last one that ties with the first. */
function endOfTie(ranked: readonly Ranked[], start: number): number {
  const best = ranked[start];
  let end = start + 1;
  for (; end < ranked.length; end++) {
    const one = ranked[end];
    if (best === undefined || one === undefined || !ties(best, one)) break;
  }
  return end;
}

function ties(best: Ranked, one: Ranked): boolean {
  if (one.tier !== best.tier) return false;
  const [a, b] = [Math.abs(best.score), Math.abs(one.score)];
  return one.score === best.score || Math.abs(one.score - best.score) <= Math.min(a, b) * tieShare;
}

function draw(ranked: Ranked[], start: number, end: number, { app }: Ranking): void {
  for (let last = end - 1; last > start; last--)
    swap(ranked, last, start + Math.floor(app.random() * (last - start + 1)));
  const first = ranked[start];
  if (start === 0 && first !== undefined) first.why = "tie_drawn";
}

function byBalance(ranked: Ranked[], start: number, end: number, ranking: Ranking): void {
  const tied = ranked.slice(start, end);
  const reasons = tied.map(({ why }) => why);
  balance(tied, ranking);
  for (const [index, one] of tied.entries()) one.why = reasons[index] ?? one.why;
  tied.sort(inOrder);
  for (const [index, one] of tied.entries()) ranked[start + index] = one;
}

function swap(ranked: Ranked[], one: number, other: number): void {
  const [first, second] = [ranked[one], ranked[other]];
  if (first === undefined || second === undefined) return;
  ranked[one] = second;
  ranked[other] = first;
}

/** Puts the place of the conversation first: among all without a flaw, or only among those that tie with the best. */
export function stick(ranked: Ranked[], among: "sound" | "tied", ranking: Ranking): void {
  const best = ranked[0];
  const conversation = ranking.conversation();
  if (best === undefined || conversation === undefined) return;
  const place = ranking.app.sticky.placeOf(conversation, best.route.model.id);
  if (place === undefined) return;
  const at = ranked.findIndex(({ route }) => isAt(route.deployment, place));
  const one = ranked[at];
  if (one === undefined || one.tier !== best.tier) return;
  if (among === "tied" && !ties(best, one)) return;
  ranked.splice(at, 1);
  ranked.unshift(one);
  one.why = "sticky";
}

/** Draws the first of those without a flaw by 1/price²; the others keep their order, cheapest first. */
export function drawByPrice(ranked: Ranked[], { app }: Ranking): void {
  const tier = ranked[0]?.tier;
  let sum = 0;
  let count = 0;
  for (const one of ranked) {
    if (one.tier !== tier) break;
    count++;
    sum += weightOf(one);
  }
  // What costs nothing weighs more than all that costs something.
  const isFree = sum === Number.POSITIVE_INFINITY;
  if (isFree) sum = ranked.filter((one) => one.tier === tier && one.score === 0).length;
  let left = app.random() * sum;
  for (let at = 0; at < count; at++) {
    const one = ranked[at];
    if (one === undefined) return;
    const weight = isFree ? Number(one.score === 0) : weightOf(one);
    left -= weight;
    if (left >= 0 || weight === 0) continue;
    ranked.splice(at, 1);
    ranked.unshift(one);
    one.why = "price_lottery";
    return;
  }
}

function weightOf({ score }: Ranked): number {
  return 1 / (score * score);
}
