import { describe, expect, it } from 'vitest';

import { parseDirectory } from './directory-entries.ts';

function entry(inode: number, name: string, { type = 1, length = 8 + Math.ceil(name.length / 4) * 4 } = {}): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(inode, 0);
  bytes.writeUInt16LE(length, 4);
  bytes.writeUInt8(name.length, 6);
  bytes.writeUInt8(type, 7);
  bytes.write(name, 8, 'latin1');
  return bytes;
}

describe('the entries of a directory', () => {
  it('are read by their lengths, whatever their names', () => {
    const bytes = Buffer.concat([
      entry(2, '.', { type: 2 }),
      entry(2, '..', { type: 2, length: 24 }),
      entry(12, 'a\n/13/040755/b', { type: 1, length: 40 }),
      entry(0, 'deleted'),
      entry(14, 'd', { type: 2 }),
    ]);
    expect(parseDirectory(bytes)).toEqual([
      { name: 'a\n/13/040755/b', inode: 12, isDirectory: false },
      { name: 'd', inode: 14, isDirectory: true },
    ]);
    expect(parseDirectory(Buffer.alloc(0))).toEqual([]);
  });

  it.each([
    ['a length of zero', Buffer.alloc(12)],
    ['less than an entry', Buffer.alloc(5)],
    ['a name that is longer than its entry', entry(12, 'long', { length: 8 }).fill(9, 6, 7)],
    ['an entry that is longer than the rest', entry(12, 'a').fill(64, 4, 5)],
  ])('are refused with %s', (_what, bytes) => {
    expect(() => parseDirectory(bytes)).toThrow(expect.objectContaining({ code: 'MACHINE_DISK_UNSAFE' }));
  });
});
