/**
 * Stands in for @jest/globals where a test file is read by something else than Jest: nothing is defined, and nothing runs.
 */
const nothing: () => unknown = new Proxy(() => nothing, { get: () => nothing });

export {
  nothing as afterAll,
  nothing as afterEach,
  nothing as beforeAll,
  nothing as beforeEach,
  nothing as describe,
  nothing as expect,
  nothing as it,
  nothing as jest,
  nothing as test,
};
