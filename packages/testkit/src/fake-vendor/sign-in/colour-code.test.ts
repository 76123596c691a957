import { describe, expect, it } from 'vitest';

import {
  codeColours,
  codeLength,
  createColourCode,
  distance,
  finderColours,
  type Pixels,
  readColourCode,
} from './colour-code.ts';
import { paintColourCode } from './colour-code-image.ts';

describe('colour code', () => {
  it('uses colours that stay apart when a JPEG blurs them', () => {
    const colours = [...Object.values(codeColours), ...Object.values(finderColours)];
    for (const [index, one] of colours.entries()) {
      for (const other of colours.slice(index + 1)) expect(distance(one, other)).toBeGreaterThanOrEqual(110);
    }
  });

  it('reads back what was painted, at any scale, anywhere on a screen, with noise', () => {
    for (const scale of [0.25, 0.77, 1.5]) {
      for (const code of ['AAAAAA', 'ABCDEF', createColourCode()]) {
        expect(readColourCode(rasterise(paintColourCode(code), { scale, noise: 40, left: 37, top: 21 }))).toBe(code);
      }
    }
  });

  it('sees nothing where nothing is painted, or where a part is hidden', () => {
    expect(readColourCode({ width: 300, height: 200, data: new Uint8Array(300 * 200 * 4).fill(255) })).toBeUndefined();
    const hidden = paintColourCode('ABCDEF').replace('fill="rgb(120,245,110)"', 'fill="rgb(255,255,255)"');
    expect(readColourCode(rasterise(hidden, { scale: 1, noise: 0, left: 0, top: 0 }))).toBeUndefined();
  });

  it('never writes the letters as text', () => {
    expect(paintColourCode('ABCDEF')).not.toContain('<text');
    expect(createColourCode()).toHaveLength(codeLength);
  });
});

/** Paints the rectangles of our SVG, averaging 2 by 2 samples as a scaler would. */
function rasterise(
  svg: string,
  { scale, noise, left, top }: { scale: number; noise: number; left: number; top: number },
): Pixels {
  const rectangles = [...svg.matchAll(/<rect(?<attributes>[^>]*)>/g)].map(({ groups }) => {
    const text = groups?.['attributes'] ?? '';
    const number = (name: string): number => Number(new RegExp(` ${name}="([\\d.]+)"`).exec(text)?.[1] ?? 0);
    const colour = (/rgb\(([^)]*)\)/.exec(text)?.[1] ?? '').split(',').map(Number);
    return { x: number('x'), y: number('y'), width: number('width'), height: number('height'), colour };
  });
  const page = rectangles[0] ?? { width: 0, height: 0 };
  const width = Math.ceil(page.width * scale) + left + 10;
  const height = Math.ceil(page.height * scale) + top + 10;
  const data = new Uint8ClampedArray(width * height * 4);
  let seed = 1;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const samples = [0.25, 0.75].flatMap((dx) =>
        [0.25, 0.75].map((dy) => {
          const [px, py] = [(x + dx - left) / scale, (y + dy - top) / scale];
          return rectangles.findLast(
            (box) => px >= box.x && px < box.x + box.width && py >= box.y && py < box.y + box.height,
          )?.colour;
        }),
      );
      for (let channel = 0; channel < 3; channel += 1) {
        seed = (seed * 1103515245 + 12345) % 2147483648;
        const sum = samples.reduce((total, colour) => total + (colour?.[channel] ?? 240), 0);
        data[(y * width + x) * 4 + channel] = sum / samples.length + (seed / 2147483648 - 0.5) * noise;
      }
    }
  }
  return { width, height, data };
}
