import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { repository } from './server.ts';

const run = promisify(execFile);

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** A self-signed certificate for these names, as texts and as files. */
export async function makeCertificate(directory: string, names: readonly string[]): Promise<Certificate> {
  const [certificate, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  const subject = names.map((name) => `DNS:${name}`).join(',');
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${names[0]}`,
    '-addext',
    `subjectAltName=${subject}`,
    '-keyout',
    key,
    '-out',
    certificate,
  ]);
  return { certificate, key };
}

export interface ProxyOptions extends Certificate {
  readonly port: number;
  readonly serverName: string;
  /** Origin of the server behind it. */
  readonly upstream: string;
}

/** The real nginx with the configuration of docs/deploy.md, in which nothing but names, ports and paths is replaced. */
export async function startNginx({ port, serverName, upstream, certificate, key }: ProxyOptions) {
  const directory = await mkdtemp(join(tmpdir(), 'sp-nginx-'));
  const page = await readFile(join(repository, 'docs/deploy.md'), 'utf8');
  const [, documented = ''] = /```nginx\n([^]*?)```/.exec(page) ?? [];
  const replacements: readonly (readonly [string, string])[] = [
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['server_name connect.example.com', `server_name ${serverName}`],
    ['/etc/ssl/certs/connect.example.com.pem', certificate],
    ['/etc/ssl/private/connect.example.com.key', key],
    ['http://127.0.0.1:4000', upstream],
  ];
  const site = replacements.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`The configuration of docs/deploy.md does not say "${from}".`);
    return text.replace(from, to);
  }, documented);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${directory}/${name};`,
  );
  const file = join(directory, 'nginx.conf');
  await writeFile(
    file,
    `daemon off;\nmaster_process off;\npid ${directory}/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log ${directory}/access.log;\n${temporary.join('\n')}\n${site}}\n`,
  );
  await run('nginx', ['-t', '-e', 'stderr', '-p', directory, '-c', file]);
  const child = spawn('nginx', ['-e', 'stderr', '-p', directory, '-c', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return {
    accessLog: () => readFile(join(directory, 'access.log'), 'utf8'),
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}
