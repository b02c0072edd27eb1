// @ts-check
import "./disclosure.js";
