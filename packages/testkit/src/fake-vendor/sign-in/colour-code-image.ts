import { codeColours, finderColours } from './colour-code.ts';

const block = 64;
const margin = 16;
const letterHeight = 24;

/** The code as an SVG image. The readable letters below the blocks are strokes, since a machine may have no fonts. */
export function paintColourCode(code: string): string {
  const blocks = [
    finderColours.magenta,
    finderColours.black,
    ...code.split('').map((letter) => codeColours[letter] ?? finderColours.white),
    finderColours.black,
    finderColours.magenta,
  ];
  const width = blocks.length * block + 2 * margin;
  const height = block + letterHeight + 3 * margin;
  const rectangles = blocks.map(
    (colour, index) =>
      `<rect x="${margin + index * block}" y="${margin}" width="${block}" height="${block}" fill="rgb(${colour.join(',')})"/>`,
  );
  const strokes = code.split('').map((letter, index) => {
    const x = margin + (index + 2) * block + (block - 16) / 2;
    return `<path transform="translate(${x} ${block + 2 * margin})" d="${letterStrokes[letter] ?? ''}"/>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="rgb(${finderColours.white.join(',')})"/>`,
    // Without this, scaled edges between blocks would show the white behind them.
    `<g shape-rendering="crispEdges">${rectangles.join('')}</g>`,
    `<g fill="none" stroke="rgb(40,40,40)" stroke-width="3" stroke-linecap="round" stroke-linejoin="round">${strokes.join('')}</g>`,
    '</svg>',
  ].join('');
}

/** Each letter on a grid of 16 by 24. */
const letterStrokes: Readonly<Record<string, string>> = {
  A: 'M0 24 8 0 16 24M3 16H13',
  B: 'M0 0V24H9A6 6 0 0 0 9 11H0M0 0H8A5.5 5.5 0 0 1 8 11',
  C: 'M16 5A9 9 0 0 0 8 0C2 0 0 6 0 12S2 24 8 24A9 9 0 0 0 16 19',
  D: 'M0 0V24H6C13 24 16 18 16 12S13 0 6 0Z',
  E: 'M15 0H0V24H15M0 12H12',
  F: 'M15 0H0V24M0 12H12',
  G: 'M16 5A9 9 0 0 0 8 0C2 0 0 6 0 12S2 24 8 24 16 20 16 13H9',
  H: 'M0 0V24M16 0V24M0 12H16',
};
