import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { APIGatewayProxyEventV2WithIAMAuthorizer, Context } from 'aws-lambda';
import fc from 'fast-check';
import * as z from 'zod/mini';
import { type Answer, createDoor, Refusal, route, words } from './door.ts';

const HOME = '111122223333';
const ANA = `arn:aws:sts::${HOME}:assumed-role/ops/ana`;
const KEY = 'POST /responses/{id}/wave';
const environment = { ...process.env };
let door: ReturnType<typeof createDoor>;
let lines: Record<string, unknown>[];

beforeAll(() => {
  process.env.POWERTOOLS_LOG_LEVEL = 'INFO';
  for (const stream of [process.stdout, process.stderr]) {
    jest.spyOn(stream, 'write').mockImplementation((text) => {
      lines.push(JSON.parse(String(text)) as Record<string, unknown>);
      return true;
    });
  }
  const body = z.strictObject({ reason: z.optional(words()) });
  door = createDoor('wave', HOME, {
    [KEY]: route(
      () => body,
      async ({ by, path, body: { reason } }): Promise<Answer> => {
        if (reason === 'no') throw new Refusal(409, 'not now', 'come back');
        if (reason === 'fault') throw new RangeError('as asked');
        return { response: path.id ?? '', by: by.arn, reason: reason ?? null };
      },
    ),
  });
});
afterAll(() => {
  jest.restoreAllMocks();
  process.env = environment;
});

/** A request as API Gateway passes it on. */
async function ask(
  body: string | undefined,
  more: { arn?: string; account?: string; key?: string; base64?: boolean } = {},
) {
  lines = [];
  const event = {
    routeKey: more.key ?? KEY,
    pathParameters: { id: 'network-aaaaaaaaaa' },
    headers: { 'x-user-arn': `arn:aws:iam::${HOME}:user/boss` },
    requestContext: {
      authorizer: { iam: { userArn: more.arn ?? ANA, accessKey: 'ASIAEXAMPLE', accountId: more.account ?? HOME } },
    },
    isBase64Encoded: more.base64 ?? false,
    ...(body !== undefined && { body }),
  } as unknown as APIGatewayProxyEventV2WithIAMAuthorizer;
  const answer = await door(event, { functionName: 'wave' } as Context);
  return { status: answer.statusCode, body: JSON.parse(answer.body ?? '') as unknown };
}

describe('the door of a function', () => {
  test.each([
    [undefined, null],
    ['{}', null],
    ['{"reason":" ours "}', 'ours'],
  ])('takes %j on, in the name that IAM gives, and logs it in one line', async (body, reason) => {
    const said = { response: 'network-aaaaaaaaaa', by: ANA, reason };
    expect(await ask(body)).toEqual({ status: 202, body: said });
    expect(lines).toEqual([
      expect.objectContaining({ level: 'INFO', message: 'done', route: KEY, by: ANA, answer: said }),
    ]);
  });

  test('reads a body that API Gateway encoded', async () => {
    const body = Buffer.from('{"reason":"Zoë"}').toString('base64');
    expect(await ask(body, { base64: true })).toMatchObject({ status: 202, body: { reason: 'Zoë' } });
  });

  test.each([
    ['what a rule refuses', '{"reason":"no"}', {}, 409, 'not now'],
    ['what is no JSON', '{', {}, 400, 'body: is not JSON'],
    ['a field that it does not know', `{"by":"arn:aws:iam::${HOME}:user/boss"}`, {}, 400, 'body: '],
    ['another route', '{}', { key: 'POST /other' }, 404, 'there is no POST /other'],
    ['another account', '{}', { account: '999900001111' }, 403, 'is no IAM user or role of this account'],
    ['a federated user', '{}', { arn: `arn:aws:sts::${HOME}:federated-user/ana` }, 403, 'is no IAM user or role'],
  ])('refuses %s, with what to do, and logs it in one line', async (_, body, more, status, error) => {
    const answer = await ask(body, more);
    expect(answer).toEqual({ status, body: { error: expect.stringContaining(error), do: expect.any(String) } });
    expect(lines).toEqual([
      expect.objectContaining({ level: 'WARN', message: 'refused', status, response: 'network-aaaaaaaaaa' }),
    ]);
  });

  test('fails on a fault of its own, and says nothing of it', async () => {
    await expect(ask('{"reason":"fault"}')).rejects.toThrow(RangeError);
  });

  test('takes nobody else’s name from any body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (body) => {
        const answer = await ask(body);
        expect([202, 400]).toContain(answer.status);
        if (answer.status === 202) expect(answer.body).toMatchObject({ by: ANA });
      }),
    );
  });
});
