// Signs in with github.com/cli/oauth.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/cli/oauth/device"
)

func main() {
	issuer, client := os.Getenv("ISSUER"), os.Getenv("CLIENT_ID")
	codes, err := device.RequestCode(http.DefaultClient, issuer+"/device_authorization", client, []string{"openid", "email"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(codes.UserCode)
	options := device.WaitOptions{ClientID: client, ClientSecret: os.Getenv("CLIENT_SECRET"), DeviceCode: codes}
	token, err := device.Wait(context.Background(), http.DefaultClient, issuer+"/token", options)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("access token:", token.Token)
}
