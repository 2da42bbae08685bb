// The start of the page, and the form for a new entry.

import "./editing.js";
import { find, onPicture, onSubmit } from "./forms.js";
import { put, say } from "./list.js";
import { connect, happened } from "./live.js";
import { call, recognise } from "./visitor.js";

const write = find("write");
onPicture(write);
onSubmit(
  write,
  async (form) => {
    happened(put, await call("POST", "/entries", form));
    write.reset();
    say("Your entry is posted.");
  },
  find("sign-in"),
);

connect();
recognise();
