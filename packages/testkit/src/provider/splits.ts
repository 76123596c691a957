/** Where a recorded stream of bytes is cut. All of it is reproducible: a failure names the cut. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Bytes on each side of something that must not be missed. */
const MARGIN = 256;

/** The places and their margins, joined where they touch. */
export function windowsAround(places: readonly Span[], length: number): readonly Span[] {
  const windows: Span[] = [];
  for (const place of places.toSorted((a, b) => a.start - b.start)) {
    const start = Math.max(0, place.start - MARGIN);
    const end = Math.min(length, place.end + MARGIN);
    const last = windows.at(-1);
    if (last && start <= last.end) windows[windows.length - 1] = { start: last.start, end: Math.max(last.end, end) };
    else windows.push({ start, end });
  }
  return windows;
}

/** The first and the last place of each link: a screen that is painted again and again repeats all in between. */
export function placesOfLinks(bytes: Uint8Array): readonly Span[] {
  const first = new Map<string, Span>();
  const last = new Map<string, Span>();
  for (const span of linksInBytes(bytes)) {
    const link = Buffer.from(bytes.subarray(span.start, span.end)).toString('latin1');
    if (!first.has(link)) first.set(link, span);
    last.set(link, span);
  }
  return [...new Set([...first.values(), ...last.values()])];
}

/** Every link in the raw bytes, up to the first byte that cannot belong to it. */
export function linksInBytes(bytes: Uint8Array): readonly Span[] {
  // Latin-1, so that an index into the text is an index into the bytes.
  const text = Buffer.from(bytes).toString('latin1');
  return [...text.matchAll(/https?:\/\/[\x21-\x7e]+/g)].map((found) => ({
    start: found.index,
    end: found.index + found[0].length,
  }));
}

/** `count` ways to cut the whole, from 1 to 12 cuts each, half of them inside the windows. Same seed, same cuts. */
export function randomSplittings(
  length: number,
  windows: readonly Span[],
  count: number,
  seed: string,
): readonly (readonly number[])[] {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const cut = (): number => {
    const window = random() < 0.5 ? windows[below(windows.length)] : undefined;
    return window ? window.start + below(window.end - window.start + 1) : below(length + 1);
  };
  return Array.from({ length: count }, () =>
    [...new Set(Array.from({ length: 1 + below(12) }, cut))].toSorted((a, b) => a - b),
  );
}

/** Mulberry32: small, and the same everywhere, unlike Math.random. Not for anything secret. */
function seededRandom(seed: string): () => number {
  let state = Buffer.from(seed).reduce((hash, byte) => Math.imul(hash ^ byte, 16_777_619), 5);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
