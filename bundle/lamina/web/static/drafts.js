// What is drawn and not saved yet, kept in this browser (IndexedDB), so that nothing is lost when
// the page is closed.

const STORE = "drafts";
let opened;

function database() {
  opened ??= new Promise((done, fail) => {
    const request = indexedDB.open("lamina", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
  return opened;
}

async function transact(mode, work) {
  const transaction = (await database()).transaction(STORE, mode, { durability: "strict" });
  const request = work(transaction.objectStore(STORE));
  return new Promise((done, fail) => {
    transaction.oncomplete = () => done(request.result);
    transaction.onerror = transaction.onabort = () => fail(transaction.error);
  });
}

export const keepDraft = (key, draft) => transact("readwrite", (store) => store.put(draft, key));
export const readDraft = (key) => transact("readonly", (store) => store.get(key));
export const dropDraft = (key) => transact("readwrite", (store) => store.delete(key));
export const draftKeys = () => transact("readonly", (store) => store.getAllKeys());
