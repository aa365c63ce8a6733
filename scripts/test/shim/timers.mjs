// A turn of the event loop for runtimes without setImmediate. Browsers delay nested timers but not messages. workerd does not
// delay timers, but does not wait for messages.
const { port1, port2 } = new MessageChannel();
const waiting = [];
port1.onmessage = () => waiting.shift()();

export const setImmediate = typeof document === "undefined" ? (fn) => void setTimeout(fn, 0) : (fn) => {
  waiting.push(fn);
  port2.postMessage(undefined);
};
