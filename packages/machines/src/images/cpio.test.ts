import { expect, it } from 'vitest';

import { writeCpio } from './cpio.ts';

const entries = [
  { path: 'bin/', mode: 0o755, content: Buffer.alloc(0) },
  { path: 'bin/tool', mode: 0o755, content: Buffer.from('odd') },
];

it('writes directories and files of root, as old as the epoch, in the fields that Linux reads', () => {
  const archive = writeCpio(entries).toString('latin1');
  const field = (start: number, index: number): string => archive.substr(start + 6 + index * 8, 8);
  const tool = archive.indexOf('070701', 6);
  expect(field(0, 1)).toBe('000041ed');
  expect(field(tool, 1)).toBe('000081ed');
  for (const index of [2, 3, 5]) expect(field(tool, index)).toBe('00000000');
  expect(field(tool, 6)).toBe('00000003');
  expect(archive.slice(tool + 110, tool + 119)).toBe('bin/tool\0');
});

it('aligns every record, and says of the last one that it is the last', () => {
  const archive = writeCpio(entries);
  expect(archive.length % 4).toBe(0);
  const starts = [...archive.toString('latin1').matchAll(/070701/g)].map(({ index }) => index);
  expect(starts).toHaveLength(entries.length + 1);
  expect(starts.filter((start) => start % 4 !== 0)).toEqual([]);
  expect(archive.toString('latin1')).toMatch(/TRAILER!!!\0+$/);
});
