import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Resolver } from 'node:dns/promises';
import { connect, createServer } from 'node:net';

/** Where every name leads to that is asked for on this host. */
export const TARGET = '93.184.216.34';

/** A name that only this program asks for. */
const CONTROL = 'control.test';

/**
 * A host on which everything is heard that leaves: a name server that answers every question, and what listens at the
 * address it gives. For a process in a separate network namespace, where that address is one of the namespace's.
 */
export async function overhearHost(): Promise<{
  readonly heard: string[];
  /** Everything that left before now: asks and connects once more, and returns what is heard before that. */
  readonly heardSoFar: () => Promise<readonly string[]>;
}> {
  const heard: string[] = [];
  const names = createSocket('udp4');
  names.on('message', (question, { port, address }) => {
    const { name, end, isAddress } = parseQuestion(question);
    heard.push(`asked for ${name}`);
    names.send(answerTo(question.subarray(0, end), isAddress), port, address);
  });
  names.bind(53, '127.0.0.1');
  await once(names, 'listening');
  const target = createServer((socket) => {
    heard.push(`reached ${TARGET}`);
    socket.on('error', () => socket.destroy());
    socket.end('here\n');
  });
  target.listen(443, TARGET);
  await once(target, 'listening');
  const heardSoFar = async (): Promise<readonly string[]> => {
    // Datagrams and connections are taken in the order in which they came, each at its own socket.
    const own = new Resolver();
    own.setServers(['127.0.0.1']);
    await own.resolve4(CONTROL);
    const before = heard.length;
    const socket = connect(443, TARGET);
    await once(socket.resume(), 'end');
    socket.destroy();
    const all = heard.filter((each) => each !== `asked for ${CONTROL}`);
    if (all.length === heard.length || heard.length === before) throw new Error('The host does not hear what leaves.');
    return all.slice(0, -1);
  };
  return { heard, heardSoFar };
}

/** RFC 1035 §4.1.2: labels up to an empty one, then type and class. */
function parseQuestion(message: Buffer) {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 5, isAddress: message.readUInt16BE(at + 1) === 1 };
}

/** RFC 1035 §4.1.3: the name of the question again, type A, class IN, for no time. No answer where another type was asked for. */
function answerTo(asked: Buffer, isAddress: boolean): Buffer {
  const header = Buffer.from(asked.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.fill(0, 6);
  if (isAddress) header.writeUInt16BE(1, 6);
  const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...TARGET.split('.').map(Number)];
  return Buffer.concat([header, asked.subarray(12), Buffer.from(isAddress ? answer : [])]);
}
