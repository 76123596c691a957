import type { Release } from '@sallyport/machines';

const DAY_MS = 24 * 60 * 60_000;

/** Which releases of a CLI to verify. */
export interface ReleaseChoice {
  /** The newest so many. */
  readonly latest: number;
  /** Also the oldest release that users of a machine may still meet: the oldest published within so many days. */
  readonly oldestWithinDays?: number | undefined;
  /** Also these versions. */
  readonly also?: readonly string[] | undefined;
}

/**
 * The versions, newest first. `releases` are in the order of their versions, oldest first.
 *
 * The oldest within some days is looked for from the newest down, and the search ends at the first release that is too
 * old: a registry may have got an ancient version, or a fix of one, yesterday.
 */
export function chooseReleases(releases: readonly Release[], choice: ReleaseChoice, now: number): readonly string[] {
  const { latest, oldestWithinDays = 0, also = [] } = choice;
  const isTooOld = ({ publishedAt }: Release): boolean =>
    publishedAt === undefined || publishedAt < now - oldestWithinDays * DAY_MS;
  const firstInside = releases.findLastIndex(isTooOld) + 1;
  const oldest = releases[firstInside]?.version;
  const chosen = new Set([...releases.slice(-latest).map(({ version }) => version), oldest, ...also]);
  const known = releases.map(({ version }) => version).filter((version) => chosen.has(version));
  const unknown = also.filter((version) => !known.includes(version));
  return [...known.toReversed(), ...unknown];
}
