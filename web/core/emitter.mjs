// Who wants to hear of what. A listener that throws stops neither the others nor the connection:
// its error goes where uncaught errors go.

export class Emitter {
  #listeners = new Map();

  // Returns the function that ends it.
  on(type, listener) {
    if (typeof listener !== 'function') throw new TypeError(`the listener of '${type}' is not a function`);
    if (!this.#listeners.has(type)) this.#listeners.set(type, new Set());
    this.#listeners.get(type).add(listener);
    return () => { this.#listeners.get(type).delete(listener); };
  }

  emit(type, ...values) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        listener(...values);
      } catch (error) {
        queueMicrotask(() => { throw error; });
      }
    }
  }
}
