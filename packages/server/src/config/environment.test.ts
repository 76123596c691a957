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

  it.each(['0.0.0.0', '::', '192.168.1.2', '::ffff:10.0.0.1', 'fe80::1%eth0', 'example.com', '127.0.0.1.example.com'])(
    'refuses to listen on %s, where others could reach it without signing in',
    (HOST) => {
      expect(() => readEnvironment({ HOST }, '/')).toThrow(/HOST must be a loopback address/);
    },
  );

  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1', '0:0:0:0:0:0:0:1'])('listens on %s', (HOST) => {
    expect(readEnvironment({ HOST }, '/').host).toBe(HOST);
  });

  it.each(['x', '-1', '65536', '4000 ', '1e3'])('refuses the port %j', (PORT) => {
    expect(() => readEnvironment({ PORT }, '/')).toThrow(/PORT must be/);
  });

  it('names DATABASE_URL when it is wrong, without repeating the password in it', () => {
    const refused = () => readEnvironment({ DATABASE_URL: 'mysql://u:hunter2@h/d' }, '/');
    expect(refused).toThrow(/DATABASE_URL must be a URL such as postgres:/);
    expect(refused).not.toThrow(/hunter2/);
  });
});
