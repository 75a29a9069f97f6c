import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isTransient } from '../errors.ts';
import { WorkerQueue } from './queue.ts';
import { sessionConfig } from './session.ts';

/** An SQS that takes every entry of a batch but its third. */
let sqs: Server;
let queue: WorkerQueue;
let asked: { operation: string; body: Record<string, unknown> }[] = [];
const environment = { ...process.env };

beforeAll(async () => {
  sqs = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const operation = String(request.headers['x-amz-target']).replace('AmazonSQS.', '');
      const body = JSON.parse(Buffer.concat(parts).toString());
      asked.push({ operation, body });
      const entries = (body.Entries ?? []) as { Id: string }[];
      const Failed = entries.slice(2, 3).map(({ Id }) => ({ Id, Code: 'InternalError', SenderFault: false }));
      response.setHeader('content-type', 'application/x-amz-json-1.0');
      const MD5OfMessageBody = createHash('md5').update(String(body.MessageBody)).digest('hex');
      response.end(
        JSON.stringify(operation === 'SendMessageBatch' ? { Successful: [], Failed } : { MD5OfMessageBody }),
      );
    });
  });
  await new Promise<void>((listening) => sqs.listen(0, '127.0.0.1', listening));
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(sqs.address() as AddressInfo).port}`,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  const url = 'https://sqs.eu-west-1.amazonaws.com/111122223333/firebreak-snapshots';
  queue = new WorkerQueue(sessionConfig('111122223333', 'eu-west-1'), url, `${url}-dead-letters`);
});
afterAll(async () => {
  process.env = environment;
  sqs.closeAllConnections();
  await new Promise((closed) => sqs.close(closed));
});

test('a batch that SQS takes in part comes back as a whole: what is lost would be a resource left open', async () => {
  await expect(queue.send(['a', 'b'])).resolves.toBeUndefined();
  const failure = await queue.send(['a', 'b', 'c']).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  expect(isTransient(failure)).toBe(true);
});

test('more than ten messages are sent in batches of ten', async () => {
  asked = [];
  await queue.send(Array.from({ length: 12 }, String)).catch(() => undefined);
  const sizes = asked.map(({ body }) => (body.Entries as unknown[]).length);
  expect(sizes[0]).toBe(10);
});

test('messages that are more together than SQS takes at once are sent in several batches', async () => {
  asked = [];
  await queue
    .send(['x'.repeat(300_000), 'x'.repeat(300_000), 'x'.repeat(300_000), 'y'.repeat(300_000)])
    .catch(() => undefined);
  await queue.send(['x'.repeat(600_000), 'y'.repeat(600_000)]);
  expect(asked.map(({ body }) => (body.Entries as unknown[]).length)).toEqual([3, 1, 1]);
});

test('a reason goes with a rejected message as SQS takes it, whatever is in it', async () => {
  asked = [];
  await queue.reject('{}', `line\u0000 \u{1f600} ${'x'.repeat(2_000)}`);
  const StringValue = `line? ?? ${'x'.repeat(2_000)}`.slice(0, 1_024);
  expect(asked).toMatchObject([{ operation: 'SendMessage', body: { MessageAttributes: { reason: { StringValue } } } }]);
});
