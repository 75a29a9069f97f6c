import { describe, expect, test } from '@jest/globals';
import { describeError, isTransient } from './errors.ts';

const error = (name: string, more: object = {}): Error => Object.assign(new Error('said so'), { name, ...more });
const answered = (httpStatusCode: number, name = 'Something') => error(name, { $metadata: { httpStatusCode } });

describe('an error that passes', () => {
  test.each([
    error('ThrottlingException'),
    error('EC2ThrottledException'),
    error('PriorRequestNotComplete'),
    error('RequestThrottled'),
    error('TimeoutError'),
    error('Error', { code: 'ECONNRESET' }),
    error('Error', { code: 'ENETUNREACH' }),
    answered(429),
    answered(503),
    answered(409, 'OperationAborted'),
    answered(409, 'ConcurrentModificationException'),
    error('Unknown', { $fault: 'server' }),
    error('Error', { $response: {}, $metadata: { httpStatusCode: 200 } }),
  ])('is %s', (one) => {
    expect(isTransient(one)).toBe(true);
  });
});

describe('an error that stays', () => {
  test.each([
    answered(403, 'AccessDenied'),
    answered(400, 'ValidationException'),
    answered(404, 'NoSuchBucket'),
    error('NoSuchBucket', { $response: {}, $metadata: { httpStatusCode: 404 }, $fault: 'client' }),
    error('TypeError'),
    'a string',
    undefined,
  ])('is %s', (one) => {
    expect(isTransient(one)).toBe(false);
  });
});

test('is told in one line of at most 1,000 characters', () => {
  expect(describeError(error('AccessDenied', { message: 'no\n\tentry' }))).toBe('AccessDenied: no entry');
  expect(describeError(error('X', { message: 'a'.repeat(5_000) }))).toHaveLength(1_000);
  expect(describeError('text')).toBe('unknown error');
});
