/**
 * A line in which nobody can stand in everybody's way, after start-time fair queueing (Goyal, Vin and Cheng, 1996) with
 * works of equal weight. Each work gets a tag one after its owner's last one, or one after the tag that is served now
 * where that is later; the lowest goes first, and of equal ones the oldest. So the many works of one user are spread
 * among those of others, and since no newcomer gets a tag that was served before, nobody starves.
 */
export interface FairQueue<Work> {
  join(owner: string, work: Work): void;
  leave(work: Work): void;
  /** Takes the first work that may begin. */
  take(mayBegin: (work: Work) => boolean): Work | undefined;
  /** In the order in which they would be served. */
  inOrder(): readonly Work[];
  readonly length: number;
}

export function createFairQueue<Work>(): FairQueue<Work> {
  let waiting: { readonly work: Work; readonly tag: number }[] = [];
  const lastTags = new Map<string, number>();
  let servedTag = 0;

  return {
    join: (owner, work) => {
      const tag = Math.max(servedTag, lastTags.get(owner) ?? 0) + 1;
      lastTags.set(owner, tag);
      // Behind those with the same tag, who came before.
      const at = waiting.findIndex((other) => other.tag > tag);
      waiting.splice(at === -1 ? waiting.length : at, 0, { work, tag });
    },
    leave: (work) => {
      waiting = waiting.filter((entry) => entry.work !== work);
    },
    take: (mayBegin) => {
      const found = waiting.find(({ work }) => mayBegin(work));
      if (!found) return undefined;
      waiting = waiting.filter((entry) => entry !== found);
      servedTag = Math.max(servedTag, found.tag);
      for (const [owner, tag] of lastTags) if (tag <= servedTag) lastTags.delete(owner);
      return found.work;
    },
    inOrder: () => waiting.map(({ work }) => work),
    get length() {
      return waiting.length;
    },
  };
}
