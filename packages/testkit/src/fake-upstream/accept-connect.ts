import { isIP } from 'node:net';
import type { Socket } from 'node:net';

import type { Admission } from './fake-upstream.ts';

const LONGEST_HEAD = 8 * 1024;

/** CONNECT (RFC 9110 §9.3.6) with Basic authentication (RFC 7617), to addresses only. */
export function acceptConnect(socket: Socket, admission: Admission): void {
  let head = '';
  const read = (bytes: Buffer): void => {
    head += bytes.toString('latin1');
    // The beginning of something else, such as a TLS handshake.
    if (!/^[A-Z]/.test(head)) {
      socket.off('data', read);
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      return;
    }
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) {
      if (head.length > LONGEST_HEAD) socket.destroy();
      return;
    }
    socket.off('data', read);
    socket.pause();
    const [request = '', ...headers] = head.slice(0, end).split('\r\n');
    const early = Buffer.from(head.slice(end + 4), 'latin1');
    if (early.length > 0) socket.unshift(early);
    answer(socket, admission, request, headers);
  };
  socket.on('data', read);
}

function answer(socket: Socket, admission: Admission, request: string, headers: readonly string[]): void {
  const basic = headers
    .map((header) => /^proxy-authorization: Basic (?<pair>[A-Za-z0-9+/=]+)$/i.exec(header)?.groups?.['pair'])
    .find((pair) => pair !== undefined);
  const [username = '', ...password] = Buffer.from(basic ?? '', 'base64')
    .toString()
    .split(':');
  if (basic === undefined || !admission.isLogin(username, password.join(':'))) {
    admission.note('wrong-password');
    socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="proxy"\r\n\r\n');
    return;
  }
  const target = /^CONNECT (?<target>\S+) HTTP\/1\.1$/.exec(request)?.groups?.['target'] ?? '';
  const address = target.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (isIP(address) === 0) {
    admission.note('refused', target);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    return;
  }
  admission.note('opened', target);
  socket.write('HTTP/1.1 200 OK\r\n\r\n');
  admission.serve(socket);
}
