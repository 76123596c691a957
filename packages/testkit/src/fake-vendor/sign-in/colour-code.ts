import { randomInt } from 'node:crypto';

/**
 * Six symbols painted as blocks of colour, which a test reads back from the pixels of a screen: proof that
 * what the machine's browser paints really reaches the viewer. It survives scaling and JPEG: blocks are
 * large, the colours are far apart, and only the middle of each block counts.
 *
 *     magenta | black | six blocks | black | magenta      all of the same width, on white
 */
export const codeLength = 6;

type Colour = readonly [red: number, green: number, blue: number];

/** Letter → colour. Any two, and black, white and magenta, differ by at least 110 in RGB distance. */
export const codeColours: Readonly<Record<string, Colour>> = {
  A: [200, 0, 40],
  B: [255, 120, 0],
  C: [255, 235, 0],
  D: [120, 245, 110],
  E: [0, 110, 40],
  F: [0, 200, 235],
  G: [20, 40, 215],
  H: [128, 128, 128],
};

export const finderColours = {
  black: [0, 0, 0],
  magenta: [255, 0, 255],
  white: [255, 255, 255],
} as const satisfies Record<string, Colour>;

/** Pixels as a canvas gives them: four bytes each (RGBA), row by row. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

export function createColourCode(): string {
  const letters = Object.keys(codeColours);
  return Array.from({ length: codeLength }, () => letters[randomInt(letters.length)]).join('');
}

/** Finds the strip anywhere in the pixels. `undefined` if it is missing, or its rows disagree. */
export function readColourCode(pixels: Pixels): string | undefined {
  const votes = new Map<string, number>();
  for (let y = 0; y < pixels.height; y += 2) {
    const code = readRow(pixels, y);
    if (code !== undefined) votes.set(code, (votes.get(code) ?? 0) + 1);
  }
  const [best, second] = [...votes].toSorted(([, a], [, b]) => b - a);
  if (!best || best[1] < 3 || (second && second[1] * 3 > best[1])) return undefined;
  return best[0];
}

interface Run {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

const smallestBlock = 6;

function readRow(pixels: Pixels, y: number): string | undefined {
  const runs = readRuns(pixels, y).filter(({ start, end }) => end - start >= smallestBlock);
  for (const [index, magenta] of runs.entries()) {
    const black = runs[index + 1];
    if (magenta.name !== 'magenta' || black?.name !== 'black') continue;
    const unit = (black.end - magenta.start) / 2;
    const closing = runs.findIndex(
      (run, at) =>
        run.name === 'black' &&
        runs[at + 1]?.name === 'magenta' &&
        Math.abs(run.start - black.end - codeLength * unit) < unit * 0.6,
    );
    const end = runs[closing];
    if (!end) continue;
    const width = (end.start - black.end) / codeLength;
    const letters = Array.from({ length: codeLength }, (_, block) => {
      const middle = Math.round(black.end + (block + 0.5) * width);
      return nameOf(colourAt(pixels, middle, y), codeEntries);
    });
    if (letters.every((letter) => letter !== undefined)) return letters.join('');
  }
  return undefined;
}

/** Stretches of one colour; pixels near no colour, as on the blurred edge of two blocks, belong to none. */
function readRuns(pixels: Pixels, y: number): readonly Run[] {
  const runs: Run[] = [];
  let open: { name: string; start: number } | undefined;
  for (let x = 0; x <= pixels.width; x += 1) {
    const name = x < pixels.width ? nameOf(colourAt(pixels, x, y), allEntries) : undefined;
    if (name === open?.name) continue;
    if (open) runs.push({ ...open, end: x });
    open = name === undefined ? undefined : { name, start: x };
  }
  return runs;
}

const codeEntries = Object.entries(codeColours);
const allEntries: readonly (readonly [string, Colour])[] = [...codeEntries, ...Object.entries(finderColours)];

/** Half the least distance between two colours: a colour further off than this is none of them. */
const tolerance = 55;

function nameOf(colour: Colour, entries: readonly (readonly [string, Colour])[]): string | undefined {
  return entries.find(([, other]) => distance(colour, other) < tolerance)?.[0];
}

export function distance(one: Colour, other: Colour): number {
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
}

function colourAt({ data, width }: Pixels, x: number, y: number): Colour {
  const offset = (y * width + x) * 4;
  return [data[offset] ?? 0, data[offset + 1] ?? 0, data[offset + 2] ?? 0];
}
