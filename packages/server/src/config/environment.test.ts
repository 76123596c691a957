import { describe, expect, it } from 'vitest';

import { readEnvironment } from './environment.ts';

describe('the environment of the server', () => {
  it('leaves what it does not name to the configuration, and the data in the current directory', () => {
    expect(readEnvironment({ PATH: '/bin', PORT: '' }, '/srv')).toEqual({
      port: undefined,
      host: undefined,
      dataDirectory: '/srv/.sallyport/data',
      database: { kind: 'embedded' },
    });
  });

  it('gives port, address, directory and database', () => {
    const given = { PORT: '0', HOST: '::1', SALLYPORT_DATA_DIR: 'data', DATABASE_URL: 'postgresql://u:p@h/d' };
    const { database, ...rest } = readEnvironment(given, '/srv');
    expect(rest).toEqual({ port: 0, host: '::1', dataDirectory: '/srv/data' });
    expect(database.kind === 'postgres' && database.url.reveal()).toBe('postgresql://u:p@h/d');
    expect(JSON.stringify(database)).not.toContain('u:p');
  });

  it('chooses a Supabase project by its URL and key, unless it names a database', () => {
    const project = { SUPABASE_URL: 'https://abc.supabase.co', SUPABASE_SERVICE_ROLE_KEY: 'sb_secret_hunter2' };
    const { database } = readEnvironment(project, '/');
    expect(database).toMatchObject({ kind: 'supabase', url: 'https://abc.supabase.co' });
    expect(database.kind === 'supabase' && database.key.reveal()).toBe('sb_secret_hunter2');
    expect(JSON.stringify(database)).not.toContain('hunter2');
    expect(readEnvironment({ ...project, DATABASE_URL: 'postgres://h/d' }, '/').database.kind).toBe('postgres');
  });

  it('refuses half a Supabase project, rather than start with an empty embedded database', () => {
    expect(() => readEnvironment({ SUPABASE_URL: 'https://abc.supabase.co' }, '/')).toThrow(
      /SUPABASE_URL is set, but not SUPABASE_SERVICE_ROLE_KEY/,
    );
    expect(() => readEnvironment({ SUPABASE_URL: 'abc.supabase.co' }, '/')).toThrow(/SUPABASE_URL must be the URL/);
  });

  it.each([
    'http://connect.example.com',
    'https://connect.example.com/path',
    'https://u:p@connect.example.com',
    'connect',
  ])('refuses the public address %s', (url) => {
    expect(() => readEnvironment({ SALLYPORT_PUBLIC_URL: url }, '/')).toThrow(/SALLYPORT_PUBLIC_URL must be an https/);
  });

  it.each(['x', '-1', '65536', '4000 ', '1e3'])('refuses the port %j', (PORT) => {
    expect(() => readEnvironment({ PORT }, '/')).toThrow(/PORT must be/);
  });

  it('names DATABASE_URL when it is wrong, without repeating the password in it', () => {
    const refused = () => readEnvironment({ DATABASE_URL: 'mysql://u:hunter2@h/d' }, '/');
    expect(refused).toThrow(/DATABASE_URL must be a URL such as postgres:/);
    expect(refused).not.toThrow(/hunter2/);
  });

  it.each([
    'postgres://u:hunt#2@h/d',
    'postgres://u:12/hunt@h/d',
    'postgres://u:12#hunt@h/d',
    'postgres://u:1?hunt@h/d',
  ])('says of %s that special characters of the password have to be encoded', (DATABASE_URL) => {
    const refused = () => readEnvironment({ DATABASE_URL }, '/');
    expect(refused).toThrow(/DATABASE_URL must be .* percent-encoded: @ as %40/);
    expect(refused).not.toThrow(/hunt/);
  });

  it('takes a database on a socket, whose directory is in the query', () => {
    const DATABASE_URL = 'postgres:///sallyport?host=/run/postgresql&user=me@x';
    expect(readEnvironment({ DATABASE_URL }, '/').database.kind).toBe('postgres');
  });
});
