"""Sign in with a one-time password, which the server sends by e-mail."""

import asyncio
import os

from pocketbase_core import PocketBase

URL = os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090")


async def main() -> None:
    async with PocketBase(URL) as pb:
        users = pb.collection("users")
        otp = await users.auth.request_otp("user@example.com")
        code = await asyncio.to_thread(input, "The code in the e-mail: ")
        result = await users.auth.with_otp(otp["otpId"], code)
        print("signed in as", result["record"]["email"])
        print(pb.auth_store.is_valid)  # from here on, each request carries the token


if __name__ == "__main__":
    asyncio.run(main())
